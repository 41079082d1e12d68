/* The commands below `haward policy`: argv[0] is the subcommand's own name. Each returns the exit status. */
#ifndef CLI_POLICYSUB_H
#define CLI_POLICYSUB_H

int policy_diff_command(int argc, char **argv);
int policy_lint_command(int argc, char **argv);
int policy_test_command(int argc, char **argv);

#endif
