# Keys that were left empty: every key of values.yaml, set to null, to an empty list, map or string, means its default or is refused
# by a sentence.
# shellcheck shell=bash disable=SC2034,SC2154

# Every key of values.yaml, one a line, its parts separated by blanks: indented by two, as it is written.
keys() {
    awk '/^ *[A-Za-z_.\/]+:/ {
        depth = match($0, /[^ ]/) - 1; $0 = substr($0, depth + 1); part[depth / 2] = substr($0, 1, index($0, ":") - 1)
        path = part[0]; for (each = 1; each <= depth / 2; each++) path = path " " part[each]; print path }' "$chart/values.yaml"
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

# As much of the chart as can be rendered at once. What a key of it takes back is left out.
all_on=('metrics serviceMonitor enabled=true' 'prometheusRule enabled=true' 'grafanaDashboard enabled=true' 'networkPolicy enabled=true'
    'metrics scrapeAnnotations=true' 'proxy httpsProxy=http://proxy.example.com:3128' 'caBundle configMapName=company-ca')

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
    [[ -f $default ]] || template "$1" mp "$chart" "${monitoring[@]}" "${files[@]}" > "$default"
}

# Whatever Go, Helm and the YAML parser say when a template meets what it is not made for.
not_a_sentence='nil pointer|wrong type|%!|<nil>|interface \{|reflect|error calling|parse error|unmarshal|converting|range can.t|index of'

# means_default HELM EMPTY PART…
means_default() {
    local helm=$1 empty=$2 key files default out=$work/out-of-empty
    shift 2
    key="$*"
    nested "$empty" "$@" > "$work/empty.yaml"
    on_without "$key"
    if template "$helm" mp "$chart" "${monitoring[@]}" "${files[@]}" --values "$work/empty.yaml" > "$out" 2> "$out.error"; then
        default_of "$helm"
        # Below these keys stands what Kubernetes defines: what is empty is left out, and a label may have the empty value.
        case $key in
            'podSecurityContext '* | 'securityContext '* | 'resources '*) ! diff "$default" "$out" | grep '^>' ;;
            'nodeSelector '* | 'grafanaDashboard labels '*) ! diff "$default" "$out" | grep '^>' | grep -vF "${key##* }: $empty" ;;
            *) diff "$default" "$out" ;;
        esac || { echo "$key: $empty"; return 1; }
        ! grep -nE "$not_a_sentence" "$out" || return 1
    else
        ! grep -E "$not_a_sentence" "$out.error" && grep -qE "^- at '/|execution error at" "$out.error" ||
            { echo "$key: $empty"; cat "$out.error"; return 1; }
    fi
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
check 'every key, set to null, means its default or is refused by a sentence' all_mean_default "$HELM" null
check 'the same with Helm 3' all_mean_default "$HELM3" null
for empty in '[]' '{}' '""'; do
    check "every key, set to $empty, means its default or is refused by a sentence" all_mean_default "$HELM" "$empty"
done

# A key that no template reads before it is completed could not be found by its render.
completed() {
    local template
    while read -r template; do
        grep -q 'include "miniprogram-operator.complete" .' <(head -n 2 "$template") || { echo "$template"; return 1; }
    done < <(find "$chart/templates" -type f ! -name '_*')
}
check 'every template begins with the defaults of what was left empty' completed

# Keys that are new in a chart are missing from the values of a release that reuses its own.
lives_without() {
    cp -r "$chart" "$work/older"
    sed -i '/^test:/,$d; /^  dnsPorts:/d; /^log:/,/^$/d' "$work/older/values.yaml"
    cp -r "$chart/templates" "$work/older/"
    template "$HELM" mp "$chart" --set networkPolicy.enabled=true > "$work/with.yaml"
    template "$HELM" mp "$work/older" --set networkPolicy.enabled=true > "$work/without.yaml"
    diff "$work/with.yaml" "$work/without.yaml"
}
check 'keys that are missing have their defaults' lives_without
