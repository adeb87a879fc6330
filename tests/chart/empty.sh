# Keys that were left empty: every key of values.yaml, set to null, to an empty list, map or string,
# means its default or is refused by a sentence.
# shellcheck shell=bash disable=SC2034,SC2154

# Every key of values.yaml, one a line, its parts separated by blanks. They are indented by two.
keys() {
    awk '/^ *[A-Za-z_.\/]+:/ {
        depth = (match($0, /[^ ]/) - 1) / 2
        part[depth] = substr($1, 1, length($1) - 1)
        path = part[0]
        for (each = 1; each <= depth; each++) path = path " " part[each]
        print path
    }' "$chart/values.yaml"
}

# nested VALUE PART…: a file of values with one key
nested() {
    local value=$1 indent=''
    shift
    while (($# > 1)); do
        printf '%s%s:\n' "$indent" "$1"
        indent+='  '
        shift
    done
    printf '%s%s: %s\n' "$indent" "$1" "$value"
}

# As much of the chart as can be rendered at once.
all_on=(
    'metrics serviceMonitor enabled=true'
    'metrics scrapeAnnotations=true'
    'prometheusRule enabled=true'
    'grafanaDashboard enabled=true'
    'networkPolicy enabled=true'
    'proxy httpsProxy=http://proxy.example.com:3128'
    'caBundle configMapName=company-ca'
)

# on_without KEY: sets `files` to the values of all that is on but what is at or below a key
on_without() {
    local each parts place
    files=()
    for place in "${!all_on[@]}"; do
        each=${all_on[place]}
        # The two monitors exclude each other.
        [[ $1 != 'metrics podMonitor'* ]] || each=${each/serviceMonitor/podMonitor}
        [[ "${each%%=*} " != "$1 "* ]] || continue
        read -ra parts <<< "${each%%=*}"
        nested "${each#*=}" "${parts[@]}" > "$work/on-${parts[*]}.yaml"
        files+=(--values "$work/on-${parts[*]}.yaml")
    done
}

# default_of HELM: what the chart renders with `files` alone; sets `default` to the file that has it
default_of() {
    default=$work/default-$(sha256sum <<< "$1 ${files[*]}" | cut -c 1-16)
    [[ -f $default ]] ||
        template "$1" mp "$chart" "${monitoring[@]}" "${files[@]}" > "$default"
}

# Whatever Go, Helm and the YAML parser say when a template meets what it is not made for.
not_a_sentence='nil pointer|wrong type|%!|<nil>|interface \{|reflect|error calling|index of'
not_a_sentence+='|parse error|unmarshal|converting|range can.t'

# means_default HELM EMPTY PART…
means_default() {
    local helm=$1 empty=$2 key files default out=$work/out-of-empty
    shift 2
    key="$*"
    nested "$empty" "$@" > "$work/empty.yaml"
    on_without "$key"
    if template "$helm" mp "$chart" "${monitoring[@]}" "${files[@]}" \
        --values "$work/empty.yaml" > "$out" 2> "$out.error"; then
        default_of "$helm"
        ! grep -nE "$not_a_sentence" "$out" || return 1
        same_as_default || { echo "$key: $empty"; return 1; }
    elif grep -E "$not_a_sentence" "$out.error" ||
        ! grep -qE "^- at '/|execution error at" "$out.error"; then
        echo "$key: $empty"
        cat "$out.error"
        return 1
    fi
}

# Where Kubernetes defines what stands below a key, what is empty is left out; a label may be empty.
same_as_default() {
    case $key in
        'podSecurityContext '* | 'securityContext '* | 'resources '*)
            ! diff "$default" "$out" | grep '^>' ;;
        'nodeSelector '* | 'grafanaDashboard labels '*)
            ! diff "$default" "$out" | grep '^>' | grep -vF "${key##* }: $empty" ;;
        *)
            diff "$default" "$out" ;;
    esac
}

# all_mean_default HELM EMPTY
all_mean_default() {
    local parts count=0 wrong=0
    while read -ra parts; do
        count=$((count + 1))
        means_default "$1" "$2" "${parts[@]}" || wrong=$((wrong + 1))
    done < <(keys)
    ((count > 150 && wrong == 0)) || { echo "$wrong of $count keys"; return 1; }
}
for empty in null '[]' '{}' '""'; do
    check "every key, set to $empty, means its default or is refused by a sentence" \
        all_mean_default "$HELM" "$empty"
done
check 'every key, set to null, does so with Helm 3 too' all_mean_default "$HELM3" null

# NOTES.txt is rendered by an install alone, and what one template fills in others would find.
completed() {
    local template
    while read -r template; do
        head -n 2 "$template" | grep -q 'include "miniprogram-operator.complete" .' ||
            { echo "$template"; return 1; }
    done < <(find "$chart/templates" -type f ! -name '_*')
}
check 'every template begins with the defaults of what was left empty' completed

# Keys that are new in a chart are missing from the values of a release that reuses its own.
lives_without() {
    cp -r "$chart" "$work/older"
    sed -i '/^test:/,$d; /^  dnsPorts:/d; /^log:/,/^$/d' "$work/older/values.yaml"
    template "$HELM" mp "$chart" --set networkPolicy.enabled=true > "$work/with.yaml"
    template "$HELM" mp "$work/older" --set networkPolicy.enabled=true > "$work/without.yaml"
    diff "$work/with.yaml" "$work/without.yaml"
}
check 'keys that are missing have their defaults' lives_without
