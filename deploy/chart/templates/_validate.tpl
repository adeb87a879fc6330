{{/* What the schema cannot say: values that are fine by themselves and not together. */}}
{{- define "miniprogram-operator.validate" -}}
{{- $v := .Values -}}
{{- if and (gt (int $v.replicaCount) 1) (not $v.leaderElection.enabled) -}}
{{- fail (printf "replicaCount is %d without leaderElection.enabled: the replicas would end each other's tokens. Enable leader election, or run one replica" (int $v.replicaCount)) -}}
{{- end -}}
{{- if and (not $v.leaderElection.enabled) $v.strategy (ne (default "" $v.strategy.type) "Recreate") -}}
{{- fail "strategy lets two pods run during a rollout, without leaderElection.enabled: enable leader election, or set strategy.type to Recreate" -}}
{{- end -}}
{{- if gt (int $v.connectTimeoutSeconds) (int $v.requestTimeoutSeconds) -}}
{{- fail (printf "connectTimeoutSeconds %d is more than requestTimeoutSeconds %d, which includes it: lower the one or raise the other" (int $v.connectTimeoutSeconds) (int $v.requestTimeoutSeconds)) -}}
{{- end -}}
{{- if and $v.leaderElection.enabled (le (int $v.leaderElection.leaseDurationSeconds) (mul 2 (int $v.connectTimeoutSeconds) | int)) -}}
{{- fail (printf "leaderElection.leaseDurationSeconds %d is not more than twice connectTimeoutSeconds %d: too little of the Lease would be left to begin a call. Raise the one or lower the other" (int $v.leaderElection.leaseDurationSeconds) (int $v.connectTimeoutSeconds)) -}}
{{- end -}}
{{- if le (int $v.terminationGracePeriodSeconds) (int $v.shutdownGraceSeconds) -}}
{{- fail (printf "terminationGracePeriodSeconds %d is not more than shutdownGraceSeconds %d: the kubelet would kill a pod that still stores a token. Raise the one or lower the other" (int $v.terminationGracePeriodSeconds) (int $v.shutdownGraceSeconds)) -}}
{{- end -}}
{{- if and $v.metrics.enabled (eq (int $v.metrics.port) (int $v.healthPort)) -}}
{{- fail (printf "metrics.port and healthPort are both %d: each needs a port of its own" (int $v.healthPort)) -}}
{{- end -}}
{{- $pdb := $v.podDisruptionBudget -}}
{{- if $pdb.enabled -}}
{{- $least := include "miniprogram-operator.share" $pdb.minAvailable -}}
{{- if and $least (include "miniprogram-operator.share" $pdb.maxUnavailable) -}}
{{- fail "podDisruptionBudget has both minAvailable and maxUnavailable: Kubernetes takes one of them" -}}
{{- end -}}
{{- if or (eq (toString $pdb.minAvailable) "100%") (eq (toString $pdb.maxUnavailable) "0") (eq (toString $pdb.maxUnavailable) "0%") (and (regexMatch "^[0-9]+$" (toString $pdb.minAvailable)) (ge (int $pdb.minAvailable) (int $v.replicaCount))) -}}
{{- fail "podDisruptionBudget lets no pod go, so no node could ever be drained: allow at least one of replicaCount" -}}
{{- end -}}
{{- end -}}
{{- if eq (toString $v.enabled) "false" -}}
{{- fail "enabled is false, and the chart is rendered all the same: where it is a dependency, name this value as its condition in Chart.yaml" -}}
{{- end -}}
{{- include "miniprogram-operator.validateArgs" $v.extraArgs -}}
{{- range $key, $own := dict "extraEnv" "" "extraContainers" "operator" "extraVolumes" "ca-bundle" -}}
{{- include "miniprogram-operator.validateNames" (list $key (index $v $key) (list $own)) -}}
{{- end -}}
{{- if not (or (regexMatch "[=,\\[]" $v.log.level) (regexMatch "^(?i:off|error|warn|info|debug|trace)$" $v.log.level)) -}}
{{- fail (printf "log.level %s is not a level: give off, error, warn, info, debug or trace, or directives such as info,miniprogram_operator=debug" $v.log.level) -}}
{{- end -}}
{{- if regexMatch "[@[:space:]]|:[^/]*$" $v.image.repository -}}
{{- fail (printf "image.repository %s has more than a name: a tag belongs into image.tag, and a digest into image.digest" $v.image.repository) -}}
{{- end -}}
{{- range $name := list "httpsProxy" "httpProxy" -}}
{{- include "miniprogram-operator.validateProxy" (list $name (index $v.proxy $name)) -}}
{{- end -}}
{{- if and (not $v.serviceAccount.create) (not $v.serviceAccount.name) -}}
{{- fail "serviceAccount.create is false without serviceAccount.name: name the account to use; \"default\" is shared with every other pod" -}}
{{- end -}}
{{- if and $v.caBundle.configMapName $v.caBundle.secretName -}}
{{- fail "caBundle has both configMapName and secretName: give one of them" -}}
{{- end -}}
{{- range $platform, $settings := $v.platforms -}}
{{- range $settings.endpoints -}}
{{- if and (hasPrefix "http://" .) (not $v.allowInsecureEndpoints) -}}
{{- fail (printf "platforms.%s.endpoints has %s, which would send app secrets in plain text: use https, or set allowInsecureEndpoints" $platform .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $names := list -}}
{{- range $v.oauth2Endpoints -}}
{{- if and (hasPrefix "http://" .url) (not $v.allowInsecureEndpoints) -}}
{{- fail (printf "oauth2Endpoints has %s with an http:// URL, which would send app secrets in plain text: use https, or set allowInsecureEndpoints" .name) -}}
{{- end -}}
{{- if has .name $names -}}
{{- fail (printf "oauth2Endpoints has the name %s twice" .name) -}}
{{- end -}}
{{- $names = append $names .name -}}
{{- end -}}
{{- $monitors := list -}}
{{- range list "serviceMonitor" "podMonitor" -}}{{- if (index $v.metrics .).enabled -}}{{- $monitors = append $monitors . -}}{{- end -}}{{- end -}}
{{- if gt (len $monitors) 1 -}}
{{- fail "metrics.serviceMonitor and metrics.podMonitor are both enabled: everything would be scraped twice. Enable one" -}}
{{- end -}}
{{- if and $monitors (not $v.metrics.enabled) -}}
{{- fail (printf "metrics.%s.enabled needs metrics.enabled" (first $monitors)) -}}
{{- end -}}
{{- if and $v.metrics.serviceMonitor.enabled (not $v.metrics.service.enabled) -}}
{{- fail "metrics.serviceMonitor.enabled needs metrics.service.enabled; metrics.podMonitor needs no Service" -}}
{{- end -}}
{{- if and $v.prometheusRule.enabled (not (and $v.metrics.enabled $v.metrics.perObject)) -}}
{{- fail "prometheusRule.enabled needs metrics.enabled and metrics.perObject: the alerts are about single MiniPrograms" -}}
{{- end -}}
{{- end -}}

{{/* Flags that the rest of the chart goes by: the pods would not be what other objects take them for. */}}
{{- define "miniprogram-operator.validateArgs" -}}
{{- $value := dict "leader-elect" "leaderElection.enabled" -}}
{{- $_ := set $value "lease-name" "leaderElection.leaseName" -}}
{{- $_ := set $value "metrics-bind-address" "metrics.port" -}}
{{- $_ := set $value "health-probe-bind-address" "healthPort" -}}
{{- range . -}}
{{- $flag := regexFind "^--[^=]+" . | trimPrefix "--" -}}
{{- with get $value $flag -}}
{{- fail (printf "extraArgs has --%s, which other objects of the chart depend on: set %s instead" $flag .) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* list KEY ITEMS OWN: the API server refuses items of one name, after half of the objects were made. */}}
{{- define "miniprogram-operator.validateNames" -}}
{{- $key := index . 0 -}}
{{- $known := index . 2 -}}
{{- range index . 1 -}}
{{- if not .name -}}
{{- fail (printf "%s has an item without a name: give it one" $key) -}}
{{- end -}}
{{- if has .name $known -}}
{{- fail (printf "%s has the name %v, which is there already: choose another, or name it once" $key .name) -}}
{{- end -}}
{{- $known = append $known .name -}}
{{- end -}}
{{- end -}}

{{/*
list KEY VALUE: what the program would refuse at its start. No message has the value, which may carry
a password.
*/}}
{{- define "miniprogram-operator.validateProxy" -}}
{{- $key := index . 0 -}}
{{- $value := default "" (index . 1) -}}
{{- if and (contains "://" $value) (not (regexMatch "^(?i:https?)://" (trim $value))) -}}
{{- fail (printf "proxy.%s names a proxy of a kind that is not supported: give an HTTP proxy, as in http://host:port" $key) -}}
{{- end -}}
{{- $user := "([^\\s@/?#\\\\]*@)?" -}}
{{- $host := "([^\\s@/?#\\\\:\\[\\]]+|\\[[0-9a-fA-F:.]+\\])(:[0-9]{1,5})?" -}}
{{- if not (regexMatch (printf "^((?i:https?)://)?%s%s/?$" $user $host) (default "proxy" $value)) -}}
{{- fail (printf "proxy.%s is not the address of a proxy: write http://host:port or http://user:password@host:port, without blanks, and both percent-encoded" $key) -}}
{{- end -}}
{{- end -}}

{{/* A number of pods or a percentage, as text; nothing where none is given. Zero is one. */}}
{{- define "miniprogram-operator.share" -}}
{{- if not (kindIs "invalid" .) -}}{{- . -}}{{- end -}}
{{- end -}}
