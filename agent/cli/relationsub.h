/* The parts of `haward relation` that work on what an agent keeps. Each gets its own name as argv[0]. */
#ifndef CLI_RELATIONSUB_H
#define CLI_RELATIONSUB_H

/* returns the exit status */
int relation_write(int argc, char **argv);
int relation_delete(int argc, char **argv);
int relation_list(int argc, char **argv);

#endif
