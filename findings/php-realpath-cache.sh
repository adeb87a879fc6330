#!/usr/bin/env bash
# Software: PHP 8.2, `file_get_contents` of a file that the kubelet mounts from a Secret.
# Guess: each read opens the path anew, so it finds the new file after the kubelet has swapped the
# folder behind `..data`; if PHP did remember anything of the path, `clearstatcache(true, $path)`
# would make it forget.
# Behaviour: PHP remembers what the links of a path led to, for `realpath_cache_ttl` seconds, 120 by
# default. The kubelet removes that folder, so the read fails. Naming the path forgets the path
# alone, not the link `..data` within it; only `clearstatcache(true)` forgets all.
# Seen: after the swap, `cat` reads the new value and PHP reads nothing, also with
# `clearstatcache(true, $path)`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/..1"
echo old > "$folder/..1/token"
ln -s ..1 "$folder/..data"
ln -s ..data/token "$folder/token"
cat > "$folder/swap" << 'EOT'
set -e
mkdir ..2
echo new > ..2/token
ln -s ..2 ..data_tmp
mv -T ..data_tmp ..data
rm -r ..1
echo "cat: $(cat token)"
EOT
cat > "$folder/read.php" << 'EOT'
<?php
chdir($argv[1]);
$path = "$argv[1]/token";
$say = function (string $what) use ($path) {
    $content = @file_get_contents($path);
    printf("%s: %s\n", $what, $content === false ? 'nothing' : trim($content));
};
$say('before the swap');
passthru('sh swap');
$say('after it');
clearstatcache(true, $path);
$say('after clearstatcache(true, $path)');
clearstatcache(true);
$say('after clearstatcache(true)');
EOT
seen=$(php -n "$folder/read.php" "$folder")
php -n -r 'echo "PHP ", PHP_VERSION, "\n";'
printf '%s\n' "$seen"
expected='before the swap: old
cat: new
after it: nothing
after clearstatcache(true, $path): nothing
after clearstatcache(true): new'
[[ $seen == "$expected" ]] || { echo 'PHP reads a swapped file otherwise now' >&2; exit 1; }
