# The pages' own commands, as their readers type them: a command is found by a part of its text.
# shellcheck shell=bash disable=SC2034,SC2154

# What was run, a line each, as the pages have it.
followed=$WORK/followed
: > "$followed"
shown=

# commands PAGE: its commands, a line each. One that ends in \ or | goes on in the next line.
commands() {
    awk '
        /^ *```/ { inside = !inside; command = ""; next }
        inside && /^ *\$ / { sub(/^ *\$ /, ""); command = $0; taken = 1 }
        inside && !taken && command != "" { sub(/^ */, ""); command = command " " $0; taken = 1 }
        taken {
            taken = 0
            sub(/ +# .*/, "", command)
            if (command ~ /\\$/) { sub(/ *\\$/, "", command); next }
            if (command ~ /\|$/) next
            print command
            command = ""
        }' "$root/$1"
}

# block PAGE TEXT: the first block of code with this text in it
block() {
    awk -v text="$2" '
        /^ *```/ {
            if (inside && index(code, text)) { printf "%s", code; exit }
            inside = !inside; code = ""; match($0, /^ */); indent = RLENGTH; next
        }
        inside { code = code substr($0, indent + 1) "\n" }' "$root/$1"
}

# here TEXT [NAME=VALUE…]: the command, with what its reader puts in and what is different on this node
here() {
    local text=$1 each
    shift
    for each in "$@"; do
        text=${text//${each%%=*}/${each#*=}}
    done
    text=${text//oci:\/\/ghcr.io\/OWNER\/charts\/miniprogram-operator/$chart ${settings[*]}}
    text=${text// deploy\/chart / $chart ${settings[*]} }
    text=${text//registry.example.com\//docker.io\/library\/}
    text=${text//https:\/\/github.com\/OWNER\/*\/install.yaml/$root/deploy/install.yaml}
    text=${text//helm /$HELM }
    printf '%s\n' "${text//\/token\//$WORK/token/}"
}

# command_of PAGE TEXT: the first command of the page with this text in it
command_of() {
    local found
    found=$(commands "$1" | grep -F -- "$2") || fail "$1 to have a command with: $2"
    printf '%s\n' "${found%%$'\n'*}"
}

# typed COMMAND [NAME=VALUE…]: runs it as its reader does, with the plugin on the path
typed() {
    PATH=$root/deploy/kubectl:$PATH bash -eu -o pipefail -c "$(here "$@")" 2>&1
}

# follow PAGE TEXT INPUT [NAME=VALUE…]: runs the page's command with this text in it; leaves what it showed in `shown`
follow() {
    local page=$1 text=$2 input=$3 command
    shift 3
    command=$(command_of "$page" "$text")
    printf '%s\n' "$command" >> "$followed"
    shown=$(printf '%s' "$input" | typed "$command" "$@") || fail "$page: $command" "$shown"
}

# spoken: the commands that the pages name in a sentence, with what they are about
spoken() {
    cat "$root"/README.md "$root"/docs/*.md "$root"/docs/{reference,runbooks,platforms}/*.md |
        tr -s '\n ' ' ' | grep -oE '`kubectl [^`]*`' | tr -d '`' | sort -u
}

# follow_spoken TEXT [NAME=VALUE…]: runs a command that a page names in a sentence
follow_spoken() {
    local command
    command=$(spoken | grep -xF -- "$1") || fail "a page to name: $1"
    printf '%s\n' "$command" >> "$followed"
    shift
    shown=$(typed "$command" "$@") || fail "$command" "$shown"
}

# shows TEXT: what the last command showed has this in it
shows() {
    [[ $shown == *"$1"* ]] || fail "the last command to show: $1" "$shown"
}

# unfollowed: the commands of the pages that were not run here
unfollowed() {
    local page
    for page in "$root"/README.md "$root"/docs/*.md "$root"/docs/reference/*.md "$root"/docs/runbooks/*.md; do
        commands "${page#"$root/"}"
    done | sort -u | grep -vxFf "$followed" || true
}
