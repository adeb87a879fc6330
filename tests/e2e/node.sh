# One Kubernetes node: control plane, containerd, kubelet and kube-proxy as plain processes, in the namespaces of this process.
# shellcheck shell=bash disable=SC2034,SC2154

node_address=10.99.0.1
export KUBECONFIG=$WORK/admin.kubeconfig KUBECACHEDIR=$WORK/kubectl-cache KUBERC=off
export HELM_CACHE_HOME=$WORK/helm/cache HELM_CONFIG_HOME=$WORK/helm/config HELM_DATA_HOME=$WORK/helm/data
export PATH=$CONTROL_PLANE:$NODE_BINARIES:$PATH
# A proxy of this machine must not get what stays on it.
unset HTTP_PROXY HTTPS_PROXY ALL_PROXY http_proxy https_proxy all_proxy

# run NAME COMMAND…: in the background, with a log
run() {
    local log=$WORK/logs/$1.log
    shift
    "$@" > "$log" 2>&1 &
}

start_node() {
    local from
    from=$(now)
    cd "$WORK" || exit
    mkdir -p logs certs
    own_filesystems
    own_network
    own_cgroups
    credentials
    containerd_config
    run containerd containerd --config "$WORK/containerd.toml"
    run etcd etcd --data-dir etcd --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
        --listen-peer-urls http://127.0.0.1:2380 --unsafe-no-fsync
    control_plane
    import_images
    kubelet_config
    run kubelet kubelet --config kubelet.yaml --kubeconfig kubelet.kubeconfig --root-dir "$WORK/kubelet" --cert-dir certs \
        --hostname-override node1 --node-ip "$node_address"
    run kube-proxy kube-proxy --config kube-proxy.yaml
    quietly 90 'a node that is ready' kubectl wait node/node1 --for=condition=Ready --timeout=1s
    quietly 30 'the account default' kubectl get serviceaccount default
    seen 'a node of Kubernetes is ready: containerd, kubelet, no Docker' $(($(now) - from))
}

# Container tools have fixed places for their state. Here those are memory that goes with the mount namespace.
own_filesystems() {
    mount --make-rshared /
    local each fake=0
    for each in /run /var/lib /var/log; do
        mount -t tmpfs -o mode=0755 tmpfs "$each"
    done
    mkdir -p /var/lib/kubelet /run/lock
    # The kubelet sets these for the whole machine. It sets copies instead.
    for each in vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops kernel/keys/root_maxkeys kernel/keys/root_maxbytes; do
        fake=$((fake + 1))
        cat "/proc/sys/$each" > "$WORK/setting.$fake"
        mount --bind "$WORK/setting.$fake" "/proc/sys/$each"
    done
}

own_network() {
    ip link set lo up
    # The node's address has to be on something that is not lo.
    ip link add node0 type veth peer name node1
    ip link set node1 up
    ip address add "$node_address/24" dev node0
    ip link set node0 up
    ip route add default via "$node_address"
    echo 1 > /proc/sys/net/ipv4/ip_forward
}

# A kubelet of our own beside that of the machine, if it has one: not at the root of the control groups.
own_cgroups() {
    local each
    if [[ -e /sys/fs/cgroup/cgroup.controllers ]]; then
        mkdir "/sys/fs/cgroup/$NAME"
        return
    fi
    for each in /sys/fs/cgroup/*/cgroup.procs; do
        mkdir "${each%/*}/$NAME" 2> /dev/null || true
    done
    for each in cpus mems; do
        cat "/sys/fs/cgroup/cpuset/cpuset.$each" > "/sys/fs/cgroup/cpuset/$NAME/cpuset.$each"
    done
}

# kubeconfig NAME USER [GROUP]: with a token of its own. All must be made before the API server starts.
kubeconfig() {
    local token
    token=$(openssl rand -hex 16)
    printf '%s,%s,%s%s\n' "$token" "$2" "$2" "${3:+,\"$3\"}" >> certs/tokens.csv
    cat > "$1.kubeconfig" << EOT
apiVersion: v1
kind: Config
clusters: [{name: e2e, cluster: {server: "https://$node_address:6443", certificate-authority: $WORK/certs/apiserver.crt}}]
users: [{name: e2e, user: {token: $token}}]
contexts: [{name: e2e, context: {cluster: e2e, user: e2e}}]
current-context: e2e
EOT
}

credentials() {
    openssl genrsa -out certs/sa.key 2048 2> /dev/null
    openssl rsa -in certs/sa.key -pubout -out certs/sa.pub 2> /dev/null
    kubeconfig admin admin system:masters
    kubeconfig controller-manager system:kube-controller-manager
    kubeconfig scheduler system:kube-scheduler
    kubeconfig kubelet system:node:node1 system:nodes
    kubeconfig kube-proxy system:kube-proxy
}

control_plane() {
    # exec and logs need an address of the node: its name means nothing to a resolver.
    run apiserver kube-apiserver --etcd-servers http://127.0.0.1:2379 --cert-dir certs --secure-port 6443 --bind-address 0.0.0.0 \
        --advertise-address "$node_address" --service-account-key-file certs/sa.pub --service-account-signing-key-file certs/sa.key \
        --service-account-issuer https://kubernetes.default.svc --authorization-mode Node,RBAC \
        --enable-admission-plugins NodeRestriction --token-auth-file certs/tokens.csv --service-cluster-ip-range 10.0.0.0/24 \
        --allow-privileged --kubelet-preferred-address-types=InternalIP
    quietly 90 'an API server that is ready' kubectl get --raw /readyz
    run controller-manager kube-controller-manager --kubeconfig controller-manager.kubeconfig \
        --authentication-kubeconfig controller-manager.kubeconfig --authorization-kubeconfig controller-manager.kubeconfig \
        --service-account-private-key-file certs/sa.key --root-ca-file certs/apiserver.crt --use-service-account-credentials \
        --leader-elect=false --cert-dir certs
    run scheduler kube-scheduler --kubeconfig scheduler.kubeconfig --authentication-kubeconfig scheduler.kubeconfig \
        --authorization-kubeconfig scheduler.kubeconfig --leader-elect=false --cert-dir certs
}

containerd_config() {
    mkdir -p cni
    cat > cni/10-e2e.conflist << EOT
{"cniVersion": "0.4.0", "name": "e2e", "plugins": [{"type": "bridge", "bridge": "cni-e2e", "isGateway": true, "ipMasq": false,
 "ipam": {"type": "host-local", "dataDir": "$WORK/ipam", "ranges": [[{"subnet": "10.244.7.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}
EOT
    cat > containerd.toml << EOT
version = 2
root = "$WORK/containerd/root"
state = "$WORK/containerd/state"
[grpc]
  address = "$WORK/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "registry.local/pause:1"
  # Lowering the score takes a privilege that a sandboxed machine may lack; runc then ends without saying why.
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$WORK/cni"
EOT
}

kubelet_config() {
    cat > kubelet.yaml << EOT
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $node_address
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
cgroupDriver: cgroupfs
cgroupRoot: /$NAME
failCgroupV1: false
failSwapOn: false
containerRuntimeEndpoint: unix://$WORK/containerd.sock
podLogsDir: $WORK/logs/pods
# A minute by default; a Secret's change would take so long to show in a pod.
syncFrequency: 10s
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: 50Mi, nodefs.available: 1%, imagefs.available: 1%}
clusterDNS: [10.0.0.10]
EOT
    cat > kube-proxy.yaml << EOT
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
clusterCIDR: 10.244.7.0/24
hostnameOverride: node1
clientConnection: {kubeconfig: $WORK/kube-proxy.kubeconfig}
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
EOT
}

import_images() {
    local images="$root/tests/e2e/images"
    quietly 30 'containerd' ctr --address "$WORK/containerd.sock" version
    mkdir -p rootfs/pause rootfs/box/bin
    local architecture
    architecture=$(uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')
    musl-gcc -static -Os -o rootfs/pause/pause "$images/pause.c"
    ENTRYPOINT='["/pause"]' "$root/deploy/image/oci-archive" pause.tar registry.local/pause:1 "$architecture=rootfs/pause" > /dev/null
    cp "$(command -v busybox)" rootfs/box/bin/busybox
    local each
    for each in sh cat wget sleep sha256sum cut readlink; do
        ln -s busybox "rootfs/box/bin/$each"
    done
    cp "$images/consumer.sh" "$images/reader.sh" rootfs/box/
    ENTRYPOINT='["/bin/sh"]' "$root/deploy/image/oci-archive" box.tar registry.local/box:1 "$architecture=rootfs/box" > /dev/null
    for each in pause.tar box.tar "$IMAGE_FILE"; do
        ctr --address "$WORK/containerd.sock" --namespace k8s.io images import "$each" > logs/import.log 2>&1 || fail "import of $each" "$(cat logs/import.log)"
    done
}
