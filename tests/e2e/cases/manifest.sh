# deploy/install.yaml, as it is in the repository. No MiniProgram is left, so nobody is called at its default endpoint.
# shellcheck shell=bash disable=SC2034,SC2154

none 'no MiniProgram is left' kubectl get mp -A -o name
timed 'kubectl apply --server-side -f deploy/install.yaml' kubectl apply --server-side --force-conflicts -f "$root/deploy/install.yaml"
within 90 'its Deployment is available' kubectl -n miniprogram-system rollout status deployment/miniprogram-operator --timeout=1s
within 10 'one pod leads' holder miniprogram-system miniprogram-operator
timed 'kubectl delete -f deploy/install.yaml' kubectl delete -f "$root/deploy/install.yaml" --timeout=90s
