# Reads layers.txt, then agent/*.[ch]; prints each include that does not point down. Exit 1 when there is one.
FNR == NR {
	if ($1 == "only")
		for (i = 3; i <= NF; i++) home[$2, $i] = owned[$2] = 1
	else if ($1 ~ /^[0-9]+$/)
		for (i = 2; i <= NF; i++) { level[$i] = $1; known[$i] = 1 }
	next
}
FNR == 1 {
	n = split(FILENAME, part, "/")
	for (i = n; i > 0 && part[i] != "agent"; i--) ;
	folder = part[i + 1]
	sub(/\.[ch]$/, "", folder) # a file at the top of agent/ is a layer of its own
	n_files++
	if (!(folder in known)) complain("the folder " folder " is not in tests/arch/layers.txt")
}
/^[ \t]*#[ \t]*include[ \t]*[<"]/ {
	name = $0
	sub(/^[^<"]*[<"]/, "", name)
	sub(/[>"].*$/, "", name)
	if (name in owned && !((name, folder) in home)) complain("<" name "> belongs to another folder")
	if ($0 !~ /"/) next
	target = name
	sub(/\/.*$/, "", target)
	sub(/\.[ch]$/, "", target)
	if (!(target in known)) complain("\"" name "\" is in no known folder; includes are relative to agent/")
	else if (target != folder && level[target] >= level[folder])
		complain("\"" name "\" points " (level[target] == level[folder] ? "sideways" : "up"))
}
function complain(text) { printf "%s:%d: %s\n", FILENAME, FNR, text; bad = 1 }
END {
	if (n_files < 10) { print "only " n_files + 0 " files seen: the test looks in the wrong place"; bad = 1 }
	exit bad
}
