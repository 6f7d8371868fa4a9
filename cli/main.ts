#!/usr/bin/env node
import { run } from './run.ts';
import { processTerminal } from './terminal.ts';

// Not process.exit: what was written to a pipe must still get there.
process.exitCode = await run(process.argv.slice(2), processTerminal());
