# What kube-score says of every file of values, beside what exceptions.txt gives a reason for.
# shellcheck shell=bash disable=SC2034,SC2154

# excepted VARIANT FINDING: whether a row has it; notes the row
excepted() {
    local variants finding reason
    while IFS='|' read -r variants finding reason; do
        [[ $variants != \#* && -n $reason && $2 == *"$(xargs <<< "$finding")"* ]] || continue
        [[ " $variants " == *' * '* || " $variants " == *" $1 "* ]] || continue
        echo "$finding" >> "$work/excepted"
        return 0
    done < "$here/exceptions.txt"
    return 1
}
: > "$work/excepted"
scored() {
    local finding code=0
    template "$HELM" mp "$chart" "${monitoring[@]}" --values "$chart/ci/$1-values.yaml" \
        > "$work/scored.yaml"
    # It exits with 1 where it finds something.
    "$KUBE_SCORE" score --output-format ci "$work/scored.yaml" > "$work/score" || true
    grep -q '^\[OK\]' "$work/score"
    while read -r finding; do
        excepted "$1" "$finding" || { echo "$finding"; code=1; }
    done < <(grep -E '^\[(CRITICAL|WARNING)\]' "$work/score")
    return "$code"
}
for values in "$chart"/ci/*-values.yaml; do
    name=${values##*/}
    name=${name%-values.yaml}
    check "kube-score finds nothing in $name that has no reason" scored "$name"
done

# The policy that one exception speaks of is found by kube-score where it is made.
policy_matches() {
    template "$HELM" mp "$chart" --skip-tests --values "$chart/ci/networkpolicy-values.yaml" \
        > "$work/scored.yaml"
    "$KUBE_SCORE" score --output-format ci "$work/scored.yaml" > "$work/score" || true
    grep -q 'apps/v1/Deployment' "$work/score"
    ! grep 'matching NetworkPolicy' "$work/score" | grep -v '^\[OK\]'
}
check 'with networkPolicy.enabled the pods have a policy' policy_matches

all_needed() {
    diff <(grep -v '^#' "$here/exceptions.txt" | cut -d '|' -f 2 | sort -u) <(sort -u "$work/excepted")
}
check 'every exception is still needed' all_needed
