# Versions, what a release is made of, and what is said of it. The Makefile includes this file after deploy.mk.

##@ Release

ACTIONLINT_VERSION := v1.7.12
CRANE_VERSION := v0.22.1
CYCLONEDX_VERSION := 0.5.9
ACTIONLINT := $(CACHE)/tools/actionlint-$(ACTIONLINT_VERSION)/actionlint
CRANE := $(CACHE)/tools/crane-$(CRANE_VERSION)/crane
CYCLONEDX := $(CACHE)/tools/cargo-cyclonedx-$(CYCLONEDX_VERSION)/bin/cargo-cyclonedx
RELEASE := $(TARGET)/release-files
# Below it are the releases that krew downloads from; the workflow names its own.
REPOSITORY ?= https://github.com/OWNER/miniprogram-operator
MULTI_FILE := $(TARGET)/image/miniprogram-operator-$(VERSION)-multi.tar

.PHONY: version
version: need-rust $(HELM) ## Move crates, chart, image, manifests and changelog to VERSION=1.2.3
	@HELM='$(HELM)' deploy/release/version set '$(if $(filter command line,$(origin VERSION)),$(VERSION))'

.PHONY: check-version
check-version: ## Whether all of them name one version, and the tag TAG=v1.2.3 too if given
	@TAG='$(TAG)' deploy/release/version check

.PHONY: lint-workflows
lint-workflows: $(ACTIONLINT) ## The workflows of .github, and the scripts in them
	$(call packages,shellcheck,shellcheck)
	'$(ACTIONLINT)' -shellcheck "$$(command -v shellcheck)" -pyflakes ''

.PHONY: lint-scripts
lint-scripts: ## Every shell script, by shellcheck
	$(call packages,shellcheck,shellcheck)
	@git grep -lE '^#!/(usr/)?bin/(env )?(ba)?sh|^# shellcheck shell' -- ':!*.md' | xargs shellcheck --external-sources --severity=warning

.PHONY: check-plugin
check-plugin: ## Whether krew could install kubectl's plugin as a release offers it
	@VERSION='$(VERSION)' tests/plugin/check

.PHONY: gitops-check
gitops-check: build control-plane ## What Argo CD and Flux make of what the operator writes, by the samples' own rules
	@mkdir -p '$(TARGET)/tools'
	@cd tests/gitops/health && go build -o '$(abspath $(TARGET))/tools/health' .
	@BIN='$(abspath $(TARGET))/debug' HEALTH='$(abspath $(TARGET))/tools/health' '$(TARGET)/debug/local-cluster' run -- tests/gitops/check

.PHONY: release-archives
release-archives: image-multi $(CYCLONEDX) ## Program for each architecture, kubectl's plugin, bill of materials, manifests, checksums
	@CYCLONEDX='$(CYCLONEDX)' IMAGE='$(IMAGE)' VERSION='$(VERSION)' REPOSITORY='$(REPOSITORY)' SOURCE_DATE_EPOCH="$$(git log -1 --format=%ct)" \
		deploy/release/archives '$(RELEASE)' 'amd64=$(call program,amd64)' 'arm64=$(call program,arm64)'

.PHONY: release-notes
release-notes: ## What CHANGELOG.md says of this version
	@deploy/release/notes '$(VERSION)'

# The workflow reads the digests from these files, to sign what was pushed and not what a tag names by then.
.PHONY: push-image
push-image: $(CRANE) ## Push the built image for both architectures to IMAGE
	@mkdir -p '$(RELEASE)'; layout=$$(mktemp -d); trap 'rm -rf "$$layout"' EXIT; tar -xf '$(MULTI_FILE)' -C "$$layout"; \
	'$(CRANE)' push $(CRANE_FLAGS) --image-refs '$(RELEASE)/image.ref' "$$layout" '$(IMAGE):$(VERSION)'; cat '$(RELEASE)/image.ref'

.PHONY: push-chart
push-chart: $(HELM) $(CRANE) ## Push the chart, with IMAGE as its image, to CHARTS=registry.example.com/charts
	@IMAGE='$(IMAGE)' CHARTS='$(CHARTS)' VERSION='$(VERSION)' SOURCE='$(SOURCE)' SOURCE_DATE_EPOCH="$$(git log -1 --format=%ct)" \
		HELM='$(HELM)' CRANE='$(CRANE)' deploy/release/push-chart '$(RELEASE)'

.PHONY: registry-login
registry-login: $(HELM) $(CRANE) ## Log in to REGISTRY as USERNAME, with the password from standard input
	@read -r password; for tool in '$(CRANE) auth' '$(HELM) registry'; do \
		$$tool login '$(REGISTRY)' --username '$(USERNAME)' --password-stdin <<< "$$password"; done

.PHONY: figures
figures: image-multi build control-plane ## Measure what docs/figures.md says of size, memory and calls; prints a table
	@BIN='$(abspath $(TARGET))/debug' PROGRAM='$(abspath $(call program,amd64))' ARCHIVE='$(abspath $(MULTI_FILE))' \
		'$(TARGET)/debug/local-cluster' run -- deploy/release/figures

# From nothing, since only that shows what a folder, an order or a time changes. The same machine and compiler: it shows no more.
.PHONY: reproducible
reproducible: image ## Build the image for amd64 again, from nothing and in another folder, and compare the two byte by byte
	rm -rf '$(TARGET)/again'
	CARGO_TARGET_DIR='$(abspath $(TARGET))/again' $(MAKE) image
	cmp '$(IMAGE_FILE)' '$(TARGET)/again/image/$(notdir $(IMAGE_FILE))'
	@echo 'both builds are the same, byte by byte'

.PHONY: picture
picture: build control-plane ## Run the demo, and draw what it prints into docs/demo.svg
	$(call packages,script,bsdutils)
	@mkdir -p '$(TARGET)'; ONCE=1 BIN='$(abspath $(TARGET))/debug' script --quiet --return --command \
		"'$(TARGET)/debug/local-cluster' run -- tests/demo/demo.sh" '$(TARGET)/demo.typescript' < /dev/null > /dev/null
	@deploy/release/picture < '$(TARGET)/demo.typescript' > docs/demo.svg.new && mv docs/demo.svg.new docs/demo.svg

$(ACTIONLINT): | need-go-itself
	$(call go-install,$@,github.com/rhysd/actionlint/cmd/actionlint@$(ACTIONLINT_VERSION))

$(CRANE): | need-go-itself
	$(call go-install,$@,github.com/google/go-containerregistry/cmd/crane@$(CRANE_VERSION))

$(CYCLONEDX): | need-rust
	cargo install cargo-cyclonedx --locked --version $(CYCLONEDX_VERSION) --root '$(CACHE)/tools/cargo-cyclonedx-$(CYCLONEDX_VERSION)'
