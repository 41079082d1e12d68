#!/usr/bin/env bash
# banned.sh DIR... - calls that overrun, race or lie about errors are not in the agent, nor are unfinished marks.
# Says what to use instead; a line that must break a rule says NOLINT(banned): and why.
set -euo pipefail
banned='strcpy|strcat|strncpy|strncat|sprintf|vsprintf|gets|strtok|atoi|atol|atof|gmtime|localtime|asctime|ctime|rand|srand|random|alloca|tmpnam|mktemp|setenv|putenv|system|popen|signal'
found=$(grep -rnE --include='*.[ch]' "(^|[^A-Za-z0-9_>./\"])($banned)[[:space:]]*\(" "$@" | grep -v 'NOLINT(banned):' || true)
marks=$(grep -rnE --include='*.[ch]' '\b(TODO|FIXME|XXX|HACK)\b' "$@" || true)
if [ -n "$found" ]; then
  echo "banned calls (use outbuf, strbuf, snprintf, gmtime_r, getrandom, sigaction):"
  echo "$found"
fi
[ -z "$marks" ] || { echo "unfinished marks:"; echo "$marks"; }
[ -z "$found$marks" ]
