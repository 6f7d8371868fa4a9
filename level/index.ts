export { LevelError } from './level-error.ts';
export {
  TidemarkLevel,
  type TidemarkLevelOptions,
  type TidemarkOpenOptions,
} from './tidemark-level.ts';
