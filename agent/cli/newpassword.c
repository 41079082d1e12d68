#include "cli/newpassword.h"

#include "core/secret.h"

#include <errno.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

enum { LINE_BYTES = PASSWORD_MAX_BYTES + 2 };

static bool read_line(char line[static LINE_BYTES], struct sv *ret)
{
	if (!fgets(line, LINE_BYTES, stdin))
		return false;
	size_t n = strlen(line);
	if (n > 0 && line[n - 1] == '\n')
		n--;
	else if (!feof(stdin))
		return false; /* longer than a password may be */
	*ret = (struct sv){line, n};
	return true;
}

static bool ask_hidden(const char *prompt, char line[static LINE_BYTES], struct sv *ret)
{
	struct termios before;
	if (tcgetattr(STDIN_FILENO, &before) != 0)
		return read_line(line, ret);
	struct termios quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	(void)fputs(prompt, stderr);
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	bool ok = read_line(line, ret);
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	(void)fputc('\n', stderr);
	return ok;
}

static bool typed_twice(const char *command, struct sv password)
{
	char again[LINE_BYTES];
	struct sv second = {0};
	if (!isatty(STDIN_FILENO))
		return true;
	bool same = ask_hidden("Once more: ", again, &second) && secret_equal(password, second);
	secret_wipe(again, sizeof(again));
	if (!same)
		(void)fprintf(stderr, "%s: the two are not the same\n", command);
	return same;
}

int newpassword_hash(const char *command, struct sv name, char phc[static PASSWORD_PHC_BYTES])
{
	char line[LINE_BYTES] = "";
	struct sv password;
	int r = -EINVAL;
	if (!ask_hidden("New password: ", line, &password)) {
		(void)fprintf(stderr, "%s: no password on standard input\n", command);
	} else {
		enum password_fault fault = password_check(password, name);
		if (fault != PASSWORD_GOOD)
			(void)fprintf(stderr, "%s: %s\n", command, password_fault_text(fault));
		else if (typed_twice(command, password))
			r = password_hash(password, phc);
	}
	secret_wipe(line, sizeof(line));
	return r;
}
