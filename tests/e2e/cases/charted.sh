# A user's own chart with a MiniProgram in it: Helm 4 knows from the conditions when it is done, and when waiting is in vain.
# shellcheck shell=bash disable=SC2034,SC2154

mkdir -p app-chart/templates
printf 'apiVersion: v2\nname: app\nversion: 1.0.0\n' > app-chart/Chart.yaml
cat > app-chart/templates/app.yaml << 'EOT'
apiVersion: miniprogram.dev/v1alpha1
kind: MiniProgram
metadata: {name: charted}
spec: {appID: wx0000000000000007, credentialRef: {name: charted-credential}}
---
apiVersion: v1
kind: Secret
metadata: {name: charted-credential}
stringData: {appSecret: {{ .Values.secret }}}
EOT
timed "helm 4 install --wait of a user's chart: waits until the MiniProgram is Ready" \
    "$HELM" install charted app-chart -n team-a --set secret=secret-of-wx0000000000000007 --wait --timeout 60s
same 'it is Ready when Helm returns' True "$(condition team-a charted Ready status)"
"$HELM" uninstall charted -n team-a --wait > /dev/null
quietly 30 'the token to go with its MiniProgram' gone team-a secret charted-token

from=$(now)
if "$HELM" install charted app-chart -n team-a --set secret=wrong --wait --timeout 60s > charted.log 2>&1; then
    fail 'helm 4 install --wait with a wrong app secret to fail'
fi
seen 'with a wrong app secret it fails at once, not at its timeout of 60 s' $(($(now) - from))
(($(now) - from < 20000)) || fail 'helm 4 to fail within 20 s' "$(cat charted.log)"
grep -q 'rejects the app secret' charted.log || fail "Helm to print the condition's message" "$(cat charted.log)"
seen "and says why: $(grep -o 'WeChat rejects the app secret in Secret [a-z-]*' charted.log | head -n 1)"
"$HELM" uninstall charted -n team-a --wait > /dev/null
