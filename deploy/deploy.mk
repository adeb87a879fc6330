# Image, chart, manifests and the tests of them. The Makefile includes this file and defines CACHE, TARGET and need-*.

##@ Package

VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
IMAGE ?= miniprogram-operator
IMAGE_FILE := $(TARGET)/image/miniprogram-operator-$(VERSION).tar
# Of the Rust target and of the image: the two have different words.
amd64 := x86_64-unknown-linux-musl
arm64 := aarch64-unknown-linux-musl
program = $(TARGET)/$($(1))/release/miniprogram-operator
# A gcc for arm64 compiles the C in ring; Rust's own linker links, so no libc for arm64 is needed.
arm64_environment := CC_aarch64_unknown_linux_musl=aarch64-linux-gnu-gcc CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER=rust-lld

# Fixed, since what they render is compared.
HELM_VERSION := v4.3.1
HELM3_VERSION := v3.22.0
PROMTOOL_VERSION := v0.316.0
HELM_DOCS_VERSION := v1.14.2
# The one in kubectl 1.32; that of kubectl 1.36 is in the control plane's own.
KUSTOMIZE_VERSION := v5.5.0
KUBE_SCORE_VERSION := v1.20.0
HELM := $(CACHE)/tools/helm-$(HELM_VERSION)/helm
HELM3 := $(CACHE)/tools/helm-$(HELM3_VERSION)/helm
PROMTOOL := $(CACHE)/tools/promtool-$(PROMTOOL_VERSION)/promtool
HELM_DOCS := $(CACHE)/tools/helm-docs-$(HELM_DOCS_VERSION)/helm-docs
KUSTOMIZE := $(CACHE)/tools/kustomize-$(KUSTOMIZE_VERSION)/kustomize
KUBE_SCORE := $(CACHE)/tools/kube-score-$(KUBE_SCORE_VERSION)/kube-score
# Whatever release the distribution has: the rules and queries must work with those that people run.
PROMETHEUS ?= $(CACHE)/tools/prometheus/prometheus

# Paths of this machine have no place in a program that is shipped, and would make it differ from one built elsewhere.
release = RUSTFLAGS='--remap-path-prefix=$(HOME)/.cargo=/cargo --remap-path-prefix=$(CURDIR)=/src' \
	cargo build --locked --release --bin miniprogram-operator --target
archive = IMAGE='$(IMAGE)' VERSION='$(VERSION)' REVISION="$$(git rev-parse HEAD 2> /dev/null || true)" \
	SOURCE_DATE_EPOCH="$$(git log -1 --format=%ct 2> /dev/null || echo 0)" deploy/image/build

.PHONY: image
image: need-rust need-musl ## The image for amd64 as an OCI archive, without Docker; prints its size and digest
	$(release) $(amd64)
	@$(archive) '$(IMAGE_FILE)' 'amd64=$(call program,amd64)'

.PHONY: image-multi
image-multi: need-rust need-musl need-arm64 ## The same for amd64 and arm64 in one archive
	$(release) $(amd64)
	$(arm64_environment) $(release) $(arm64)
	@$(archive) '$(TARGET)/image/miniprogram-operator-$(VERSION)-multi.tar' 'amd64=$(call program,amd64)' 'arm64=$(call program,arm64)'

.PHONY: manifests
manifests: $(HELM) $(HELM_DOCS) ## Generate the chart's CRD and README, deploy/install.yaml and parts of deploy/kustomize
	HELM_DOCS='$(HELM_DOCS)' deploy/chart/generate
	HELM='$(HELM)' deploy/render

.PHONY: chart-check
chart-check: control-plane $(HELM) $(HELM3) $(PROMTOOL) $(HELM_DOCS) $(KUSTOMIZE) $(KUBE_SCORE) ## Chart, manifests, alerts and dashboard, against a real API server
	@HELM='$(HELM)' HELM3='$(HELM3)' PROMTOOL='$(PROMTOOL)' HELM_DOCS='$(HELM_DOCS)' KUSTOMIZE='$(KUSTOMIZE)' \
		KUBE_SCORE='$(KUBE_SCORE)' \
		'$(TARGET)/debug/local-cluster' run -- tests/chart/check

.PHONY: alerts-check
alerts-check: build control-plane $(HELM) $(PROMTOOL) $(PROMETHEUS) ## The alerts fire and end, in a real Prometheus, while the platform fails
	@BIN='$(abspath $(TARGET))/debug' HELM='$(HELM)' PROMTOOL='$(PROMTOOL)' PROMETHEUS='$(PROMETHEUS)' \
		'$(TARGET)/debug/local-cluster' run -- tests/alerts/check

.PHONY: e2e
e2e: need-root need-node control-plane image $(HELM) $(HELM3) $(PROMTOOL) ## Everything on a real node that runs Pods, without Docker; needs root
	@HELM='$(HELM)' HELM3='$(HELM3)' PROMTOOL='$(PROMTOOL)' BIN='$(abspath $(TARGET))/debug' IMAGE_FILE='$(abspath $(IMAGE_FILE))' tests/e2e/e2e

.PHONY: tools
tools: $(HELM) $(HELM3) $(HELM_DOCS) $(KUSTOMIZE) $(KUBE_SCORE) $(PROMTOOL) $(PROMETHEUS)

.PHONY: node-binaries
node-binaries: build need-go
	@'$(TARGET)/debug/local-cluster' node-binaries > /dev/null

# go-install FILE PACKAGE@VERSION [FLAGS]; renamed at the end, so that what is there is whole.
go-install = mkdir -p '$(dir $(1)).new' && GOBIN='$(dir $(1)).new' CGO_ENABLED=0 go install -trimpath -ldflags '-s -w' $(3) $(2) && \
	mv '$(dir $(1)).new/$(notdir $(1))' '$(1)' && rmdir '$(dir $(1)).new'

$(HELM): | need-go-itself
	$(call go-install,$@,helm.sh/helm/v4/cmd/helm@$(HELM_VERSION))

$(HELM3): | need-go-itself
	$(call go-install,$@,helm.sh/helm/v3/cmd/helm@$(HELM3_VERSION))

# The tag leaves out service discovery, which checking rules does not need and which does not build from a plain module.
$(PROMTOOL): | need-go-itself
	$(call go-install,$@,github.com/prometheus/prometheus/cmd/promtool@$(PROMTOOL_VERSION),-tags remove_all_sd)

$(HELM_DOCS): | need-go-itself
	$(call go-install,$@,github.com/norwoodj/helm-docs/cmd/helm-docs@$(HELM_DOCS_VERSION))

$(KUSTOMIZE): | need-go-itself
	$(call go-install,$@,sigs.k8s.io/kustomize/kustomize/v5@$(KUSTOMIZE_VERSION))

$(KUBE_SCORE): | need-go-itself
	$(call go-install,$@,github.com/zegl/kube-score/cmd/kube-score@$(KUBE_SCORE_VERSION))

# Debian's package, unpacked and not installed: that would start a service.
$(PROMETHEUS):
	@command -v apt-get > /dev/null || $(call missing,no Prometheus: install it$(comma) and say PROMETHEUS=/path/to/prometheus)
	@folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; cd "$$folder"; \
	apt-get download -qq prometheus 2> /dev/null || { apt-get update -qq && apt-get download -qq prometheus; }; \
	dpkg-deb --extract prometheus_*.deb . && install -D usr/bin/prometheus '$@'

# What a fresh machine lacks is installed where that is possible without asking: as root on Debian. Elsewhere it is named.
# packages COMMAND PACKAGE…
packages = @command -v $(1) > /dev/null || { \
	if [[ $$(id -u) == 0 ]] && command -v apt-get > /dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install --yes -qq --no-install-recommends $(2) > /dev/null; \
	else \
		echo 'make: $(1) was not found: install the packages $(2), or what your system calls them' >&2; exit 1; \
	fi; }

.PHONY: need-root need-musl need-arm64 need-node need-sdks need-go-itself
need-root:
	@[[ $$(id -u) == 0 ]] || $(call missing,this makes namespaces and runs containers: say it again as root$(comma) as with sudo make)

need-musl: need-rust
	$(call packages,musl-gcc,musl-tools binutils ca-certificates)
	@rustup target list --installed | grep -qx $(amd64) || rustup target add $(amd64)

need-arm64: need-rust
	$(call packages,aarch64-linux-gnu-gcc,gcc-aarch64-linux-gnu libc6-dev-arm64-cross)
	@rustup target list --installed | grep -qx $(arm64) || rustup target add $(arm64)

need-node: node-binaries need-musl
	$(call packages,containerd,containerd runc)
	$(call packages,runc,runc)
	$(call packages,/usr/lib/cni/bridge,containernetworking-plugins)
	$(call packages,nft,nftables)
	$(call packages,ip,iproute2)
	$(call packages,openssl,openssl)
	$(call packages,busybox,busybox-static)
	$(call packages,curl,curl)
	$(call packages,jq,jq)

need-sdks: need-go-itself
	$(call packages,python3,python3 python3-venv)
	$(call packages,npm,nodejs npm)
	$(call packages,javac,default-jdk-headless)
	$(call packages,mvn,maven)
	$(call packages,php,php-cli php-curl php-mbstring php-xml)
	$(call packages,composer,composer git unzip)
	$(call packages,ip,iproute2)
	$(call packages,openssl,openssl)

need-go-itself:
	@command -v go > /dev/null || { echo 'make: go was not found: install Go 1.26 or newer' >&2; exit 1; }
