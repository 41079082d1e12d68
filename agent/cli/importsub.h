/* The commands below `haward import`. Each returns the exit status. */
#ifndef CLI_IMPORTSUB_H
#define CLI_IMPORTSUB_H

int import_istio_command(int argc, char **argv);
int import_openapi_command(int argc, char **argv);

#endif
