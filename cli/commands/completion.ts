import { Argument, type Command } from 'commander';
import type { ContextOf } from '../context.ts';
import { wordsAfter } from '../words-after.ts';

/** Both ask the program itself for what may come next, so that they never fall behind it. */
const SCRIPTS = {
  bash: `_tidemark() {
  local IFS=$'\\n'
  COMPREPLY=($(tidemark complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  [ \${#COMPREPLY[@]} -eq 0 ] && COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _tidemark tidemark`,
  zsh: `#compdef tidemark
_tidemark() {
  local -a found
  found=(\${(f)"$(tidemark complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)"})
  if (( \${#found} )); then compadd -- "\${found[@]}"; else _files; fi
}
compdef _tidemark tidemark`,
} as const;

/** `completion`: what a shell needs to complete commands and options. */
export function addCompletion(program: Command, contextOf: ContextOf): void {
  program
    .command('completion')
    .description('print a script that makes Tab complete commands and options')
    .addArgument(new Argument('<shell>').choices(Object.keys(SCRIPTS)))
    .action((shell: keyof typeof SCRIPTS, _options: object, command: Command) => {
      contextOf(command).output.line(SCRIPTS[shell]);
    });
  program
    .command('complete', { hidden: true })
    .argument('[words...]', 'what is typed so far; the last word may be empty')
    .action((words: readonly string[], _options: object, command: Command) => {
      const { output } = contextOf(command);
      const typed = words.at(-1) ?? '';
      for (const word of wordsAfter(program, words.slice(0, -1), typed)) {
        if (word.startsWith(typed)) output.line(word);
      }
    });
}
