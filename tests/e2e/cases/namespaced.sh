# A release that works in one namespace and may do nothing in others. Leaves nothing.
# shellcheck shell=bash disable=SC2034,SC2154

restricted mp-scoped
restricted team-b
restricted team-c
# Through a proxy as well: the platform has a name that nobody but the proxy knows.
timed 'helm 4 install with watchNamespaces={team-b}, without CRDs and cluster roles' \
    "$HELM" install scoped "$chart" -n mp-scoped --set 'watchNamespaces={team-b}' \
    --set "proxy.httpProxy=$platform_url,platforms.WeChat.endpoints={http://platform.invalid},allowInsecureEndpoints=true" \
    --set crds.enabled=false,rbac.userRoles=false,admissionPolicy.enabled=false --wait --timeout 180s
account=system:serviceaccount:mp-scoped:scoped-miniprogram-operator
cluster_wide() {
    "$HELM" get manifest scoped -n mp-scoped | awk '/^kind: (Cluster|CustomResource|Validating)/'
}
none 'nothing of the release is outside of namespaces' cluster_wide
rights=
for verb in get list watch create patch delete; do
    for where in '--all-namespaces' '-n team-c' '-n kube-system' '-n mp-scoped'; do
        # shellcheck disable=SC2086
        [[ $(kubectl auth can-i "$verb" secrets $where --as "$account" 2> /dev/null) == no ]] || rights+=" $verb:$where"
    done
done
same 'its account has no right on a Secret elsewhere, nor cluster-wide' '' "$rights"
same 'it has in team-b' yes "$(kubectl auth can-i list secrets -n team-b --as "$account")"
app team-b inside wx0000000000000005 > /dev/null
app team-c outside wx0000000000000006 > /dev/null
within 20 'a MiniProgram in team-b is Ready, by way of a proxy' ready team-b inside
# Whatever would be done for the one in team-c would be done before this.
app team-b inside-too wx0000000000000009 > /dev/null
quietly 20 'another one in team-b' ready team-b inside-too
same 'one in team-c is not looked at' Unknown "$(condition team-c outside Ready status)"
same 'and the platform not asked for it' 0 "$(calls wx0000000000000006)"
timed 'helm 4 uninstall' "$HELM" uninstall scoped -n mp-scoped --wait --timeout 90s
kubectl delete namespace team-b team-c mp-scoped --timeout=60s > /dev/null
