/** The command line as it is in the tree now. Made to be killed. Arguments: those of `tidemark`. */
import '../../../cli/main.ts';
