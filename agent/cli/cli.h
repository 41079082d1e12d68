/* The commands of the program: argv[0] is the command's own name. Each returns the exit status. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

int cli_serve(int argc, char **argv);
int cli_cel(int argc, char **argv);
int cli_check(int argc, char **argv);
int cli_explain(int argc, char **argv);
int cli_policy(int argc, char **argv);
int cli_relation(int argc, char **argv);
int cli_replay(int argc, char **argv);
int cli_token(int argc, char **argv);
int cli_workload(int argc, char **argv);
int cli_audit(int argc, char **argv);
int cli_admin(int argc, char **argv);
int cli_import(int argc, char **argv);
int cli_key(int argc, char **argv);
int cli_revoke(int argc, char **argv);
int cli_signing(int argc, char **argv);
int cli_user(int argc, char **argv);

#endif
