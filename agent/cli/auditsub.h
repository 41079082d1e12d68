/* The subcommands of `haward audit` but export. argv[0] is the name that usage messages show.
 * Each returns an exit status. */
#ifndef CLI_AUDITSUB_H
#define CLI_AUDITSUB_H

int cli_audit_backup(int argc, char **argv);
int cli_audit_verify(int argc, char **argv);
int cli_audit_checkpoint(int argc, char **argv);
int cli_audit_prove(int argc, char **argv);
int cli_audit_check_proof(int argc, char **argv);

#endif
