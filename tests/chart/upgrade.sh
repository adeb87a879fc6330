# Installs, upgrades and uninstalls for real, without waiting for pods: this cluster runs none. The CRD is what it is about.
# shellcheck shell=bash disable=SC2034,SC2154

kubectl delete crd miniprograms.miniprogram.dev > /dev/null
kubectl delete -f <(template "$HELM" mp "$chart" --set crds.enabled=false --show-only templates/rbac/users.yaml --show-only templates/admission-policy.yaml) > /dev/null

# The release before this one: its CRD lacks a column.
cp -r "$chart" "$work/old"
sed -i 's/^version: .*/version: 0.0.1/' "$work/old/Chart.yaml"
sed -i '/jsonPath: .metadata.creationTimestamp/,+2d' "$work/old/templates/crds/miniprograms.yaml"

columns() {
    kubectl get crd miniprograms.miniprogram.dev -o jsonpath='{.spec.versions[0].additionalPrinterColumns[*].name}'
}
upgrades() {
    local helm=$1
    "$helm" install mp "$work/old" -n mp-system
    [[ $(columns) != *Age* ]] || { echo 'the old CRD has the column already'; return 1; }
    kubectl -n team-b apply -f "$root/deploy/examples/first.yaml"
    "$helm" upgrade mp "$chart" -n mp-system
    [[ $(columns) == *Age* ]] || { echo 'the CRD was not upgraded'; return 1; }
    "$helm" rollback mp 1 -n mp-system
    "$helm" uninstall mp -n mp-system
    # Kept with what is of its kind. Taken up again by a release of this name; of another name, where Helm is told to.
    kubectl -n team-b get mp shop
    "$helm" install mp "$chart" -n mp-system
    "$helm" uninstall mp -n mp-system
    "$helm" install other "$chart" -n mp-system --take-ownership
    "$helm" uninstall other -n mp-system
    kubectl -n team-b get mp shop
    kubectl -n team-b delete -f "$root/deploy/examples/first.yaml"
    kubectl delete crd miniprograms.miniprogram.dev
}
for helm in "$HELM" "$HELM3"; do
    check "install, upgrade with a new CRD, rollback, uninstall, take over with $("$helm" version --template '{{.Version}}')" upgrades "$helm"
done

# crds.keep=false is said to take all with it.
takes_all() {
    "$HELM" install mp "$chart" -n mp-system --set crds.keep=false
    "$HELM" uninstall mp -n mp-system --wait
    ! kubectl get crd miniprograms.miniprogram.dev
}
check 'with crds.keep=false the CRD goes with the release' takes_all
