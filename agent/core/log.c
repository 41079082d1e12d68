#include "core/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

const char *const log_level_names[LOG_LEVEL_COUNT] = {
	[LOG_ERROR] = "error", [LOG_WARNING] = "warning", [LOG_NOTICE] = "notice",
	[LOG_INFORM] = "info", [LOG_DEBUGGING] = "debug",
};

/* syslog's numbers, as sd-daemon(3) reads them from standard error */
static const char priorities[LOG_LEVEL_COUNT] = {'3', '4', '5', '6', '7'};

static atomic_uint level_written = LOG_INFORM;
static char file_path[PATH_MAX];

void log_set_level(enum log_level level)
{
	atomic_store_explicit(&level_written, level, memory_order_relaxed);
}

void log_event(enum log_level level, const char *event, const char *format, ...)
{
	char line[2048];
	if (level >= LOG_LEVEL_COUNT ||
	    level > atomic_load_explicit(&level_written, memory_order_relaxed))
		return;
	int head = snprintf(line, sizeof(line), "<%c>level=%s event=%s ", priorities[level],
	                    log_level_names[level], event);
	if (head < 0 || (size_t)head >= sizeof(line))
		return;
	va_list args;
	va_start(args, format);
	int body = vsnprintf(line + head, sizeof(line) - (size_t)head, format, args);
	va_end(args);
	size_t n = (size_t)head + (body > 0 ? (size_t)body : 0);
	if (n > sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	ssize_t written;
	do
		written = write(STDERR_FILENO, line, n);
	while (written < 0 && errno == EINTR);
}

const char *log_quote(struct sv text, char room[LOG_QUOTED_BYTES])
{
	static const char digits[] = "0123456789abcdef";
	size_t n = 0;
	room[n++] = '"';
	for (size_t i = 0; i < text.n && n < LOG_QUOTED_BYTES - 8; i++) {
		unsigned char c = (unsigned char)text.at[i];
		if (c < 0x20 || c >= 0x7f) {
			room[n++] = '\\';
			room[n++] = 'x';
			room[n++] = digits[c >> 4];
			room[n++] = digits[c & 15];
			continue;
		}
		if (c == '"' || c == '\\')
			room[n++] = '\\';
		room[n++] = (char)c;
	}
	room[n++] = '"';
	room[n] = '\0';
	return room;
}

bool log_pace_due(struct log_pace *pace, uint64_t now_ns, uint64_t *ret_left_out)
{
	if (pace->last_ns && now_ns - pace->last_ns < 1000000000U) {
		pace->n_left_out++;
		return false;
	}
	*ret_left_out = pace->n_left_out;
	*pace = (struct log_pace){.last_ns = now_ns};
	return true;
}

void log_to_file(const char *path)
{
	(void)snprintf(file_path, sizeof(file_path), "%s", path);
	log_reopen();
}

void log_reopen(void)
{
	if (!file_path[0])
		return;
	int fd = open(file_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
	if (fd < 0) {
		log_event(LOG_ERROR, "log_reopen_failed", "errno=%d", errno);
		return;
	}
	(void)dup2(fd, STDERR_FILENO);
	(void)close(fd);
}
