# Removes a cluster after the process that started it, however that one ends. $1 is the cluster's
# directory, $2 says whether to remove it too. Standard input is a pipe that only our parent holds:
# it carries the process group to kill, and its end of file is the parent's end.

# PIPE because the parent may be gone before it has read that we are ready.
trap '' HUP INT PIPE TERM

if [ "$2" = remove ]; then
	mkdir -m 700 -- "$1" 2>&1 || exit 1
fi
echo ready
read -r group
while read -r _; do :; done

if [ -n "$group" ]; then
	kill -s KILL -- "-$group"
fi
# What is dying may still create a file, so the directory is removed until the group is gone: at
# most for five seconds, because where nobody reaps orphans they stay in the process table.
tries=0
while
	[ "$2" != remove ] || rm -rf -- "$1"
	[ -n "$group" ] && [ "$tries" -lt 250 ] && kill -s 0 -- "-$group"
do
	sleep 0.02
	tries=$((tries + 1))
done
[ "$2" != remove ] || rm -rf -- "$1"
