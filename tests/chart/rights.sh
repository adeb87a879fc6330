# The chart grants what deploy/rbac says, and no more.
# shellcheck shell=bash disable=SC2034,SC2154

# rules FILE KIND NAME: as the API server would store them
rules() {
    kubectl apply --server-side --force-conflicts --dry-run=server -f "$1" \
        -o go-template='{{range .items}}{{.kind}} {{.metadata.name}} {{.rules}}{{"\n"}}{{end}}' | grep "^$2 $3 " | cut -d ' ' -f 3-
}

# kubectl prints one object differently from several, so each file gets a second one.
padded() {
    local file
    file=$(mktemp -p "$work" --suffix .yaml)
    { cat "$1"; printf -- '---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: padding, namespace: mp-system}\n'; } > "$file"
    rules "$file" "$2" "$3"
}

# same_rules CHART-FILE FILE KIND NAME
same_rules() {
    [[ -n $(padded "$1" "$3" "$4") ]]
    diff <(padded "$1" "$3" "$4") <(padded "$root/deploy/rbac/$2" "$3" "$4")
}

# Named as the files of deploy/rbac name them: these are of one namespace.
of_one() {
    template "$HELM" miniprogram-operator "$chart" "$@" | sed -E 's/^(  name: .*)\.mp-system$/\1/'
}
of_one | sed 's/^  namespace: .*/  namespace: mp-system/' > "$work/cluster.yaml"
of_one --set 'watchNamespaces={team-a,team-b}' > "$work/namespaced.yaml"
sed 's/^  namespace: .*/  namespace: mp-system/' "$work/namespaced.yaml" | awk -v RS='---\n' '!seen[$0]++ { printf "---\n%s", $0 }' > "$work/one.yaml"
while read -r rendered file kind name; do
    check "$kind $name has the rules of deploy/rbac/$file" same_rules "$work/$rendered" "$file" "$kind" "$name"
done << 'EOT'
cluster.yaml cluster-wide.yaml ClusterRole miniprogram-operator
cluster.yaml leader-election.yaml Role miniprogram-operator-leader-election
cluster.yaml users.yaml ClusterRole miniprogram-operator-view
cluster.yaml users.yaml ClusterRole miniprogram-operator-edit
cluster.yaml users.yaml ClusterRole miniprogram-operator-refresher
EOT
same_in_a_namespace() {
    diff <(padded "$work/cluster.yaml" ClusterRole miniprogram-operator) <(padded "$work/one.yaml" Role miniprogram-operator)
}
check 'a Role of a watched namespace has the rules of the ClusterRole' same_in_a_namespace

no_wildcards() {
    ! template "$HELM" mp "$chart" --values "$chart/ci/$1-values.yaml" "${monitoring[@]}" | grep -nE "^ +(- )?(apiGroups|resources|verbs|nonResourceURLs):.*\*"
}
check 'no rule has a wildcard' no_wildcards default
check 'no rule of the namespaced mode has a wildcard' no_wildcards namespaced

no_cluster_secrets() {
    template "$HELM" mp "$chart" --set 'watchNamespaces={team-a,team-b}' | awk -v RS='---\n' '/kind: ClusterRole/' > "$work/cluster-wide.yaml"
    ! grep -nE 'secrets|kind: ClusterRoleBinding' "$work/cluster-wide.yaml"
}
check 'with watchNamespaces no ClusterRole names Secrets, and nothing binds one' no_cluster_secrets

roles_where_watched() {
    local namespaces
    namespaces=$(awk -v RS='---\n' '/kind: RoleBinding/ && !/leader-election/' "$work/namespaced.yaml" | sed -n 's/^  namespace: //p' | sort | paste -sd ' ')
    [[ $namespaces == 'team-a team-b' ]] || { echo "$namespaces"; return 1; }
}
check 'with watchNamespaces there is a Role in each, and nowhere else' roles_where_watched
