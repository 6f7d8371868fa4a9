/** Runs the examples of all commands on one store and writes what they print: `npm run docs`. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { EXAMPLES } from '../dist/cli/examples.js';
import { splitWords } from '../dist/cli/shell/words.js';

const main = resolve('dist/cli/main.js');
const directory = mkdtempSync(join(tmpdir(), 'tidemark-transcript-'));
const LINES_MAX = 24;
/** Their output is in the docs already. */
const LEFT_OUT = ['reference', 'completion'];

function shown({ words, says }) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [main, ...splitWords(words).words],
    {
      cwd: directory,
      encoding: 'utf8',
    },
  );
  if (status !== 0) throw new Error(`${words}: ${stderr}`);
  const lines = `${stdout}${stderr}`.trimEnd().split('\n');
  const more = lines.length > LINES_MAX ? [`… ${lines.length - LINES_MAX} lines more`] : [];
  const cut = [...lines.slice(0, LINES_MAX), ...more].map((line) => line.slice(0, 160));
  // A token that was shown once is not to be shown again.
  const text = cut.join('\n').replace(/tmk_[\w-]+/g, 'tmk_…');
  return `# ${says}\n$ tidemark ${words}\n${text}\n`;
}

try {
  const run = EXAMPLES.filter(
    ({ isRun, command }) => isRun !== false && !LEFT_OUT.includes(command),
  );
  const page = `# A transcript

Every example of the [reference](commands.md), run one after another on one store through a pipe, by \`npm run docs\`. On a terminal tables have bold heads and colours, and are cut to its width.

\`\`\`
${run.map(shown).join('\n')}\`\`\`
`;
  writeFileSync('docs/transcript.md', page);
} finally {
  rmSync(directory, { recursive: true });
}
