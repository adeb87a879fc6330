# The chart as it is released: complete, the same each time, and installable as it is.
# shellcheck shell=bash disable=SC2034,SC2154

# pack FOLDER
pack() {
    IMAGE=registry.example.com/miniprogram-operator VERSION=$version SOURCE_DATE_EPOCH=1700000000 HELM=$HELM \
        SOURCE=https://example.com/miniprogram-operator "$root/deploy/release/pack-chart" "$work/$1"
}
version=$(sed -n 's/^version: //p' "$chart/Chart.yaml")
check 'the chart is packed' pack once

complete() {
    local field
    "$HELM" show chart "$work/once/miniprogram-operator-$version.tgz" > "$work/packed.yaml"
    for field in apiVersion appVersion description home icon keywords kubeVersion maintainers name sources type version \
        '  artifacthub.io/'{category,changes,crds,crdsExamples,images,license,links,operator,operatorCapabilities}; do
        grep -q "^$field:" "$work/packed.yaml" || { echo "no $field"; cat "$work/packed.yaml"; return 1; }
    done
    (($(sed -n '/artifacthub.io.changes:/,/^ *artifacthub.io.[^c]/p' "$work/packed.yaml" | grep -c '^ *- ') >= 10))
}
check 'it says what it is, where it is from and what is new' complete

the_same() {
    # Files of an archive bear their second.
    local second=$EPOCHSECONDS
    until ((EPOCHSECONDS > second)); do sleep 0.1; done
    pack again
    cmp "$work"/{once,again}"/miniprogram-operator-$version.tgz"
}
check 'packed again a second later it is the same file' the_same

same_defaults() {
    mkdir -p "$work/unpacked"
    tar -xf "$work/once/miniprogram-operator-$version.tgz" -C "$work/unpacked"
    diff <(sed -e '/^ *#/d' -e '/^$/d' "$work/unpacked/miniprogram-operator/values.yaml") \
        <(sed '/{{/d' "$work/unpacked/miniprogram-operator/templates/_defaults.tpl")
}
check 'what it takes for a key that was left empty is its own default' same_defaults

packed_is_accepted() {
    "$HELM" lint --strict --kube-version 1.36.0 "$work/once/miniprogram-operator-$version.tgz" > "$work/lint"
    ! grep -E '^\[' "$work/lint"
    template "$HELM" mp "$work/once/miniprogram-operator-$version.tgz" > "$work/packed-manifest.yaml"
    accepted "$work/packed-manifest.yaml"
}
check 'lint has nothing to say of it, and it is accepted' packed_is_accepted
