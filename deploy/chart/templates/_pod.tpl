{{/* The command line. What has a default in the program is given all the same: `kubectl describe` then shows what holds. */}}
{{- define "miniprogram-operator.args" -}}
{{- $v := .Values -}}
{{- with $v.watchNamespaces }}
- {{ printf "--watch-namespaces=%s" (join "," .) | toYaml }}
{{- end }}
{{- with $v.selector }}
- {{ printf "--selector=%s" . | quote }}
{{- end }}
{{- range $platform, $settings := $v.platforms }}
{{- with $settings.endpoints }}
- {{ printf "--platform-endpoint=%s=%s" $platform (join "," .) | toYaml }}
{{- end }}
{{- end }}
{{- range $v.oauth2Endpoints }}
{{- $endpoint := list (printf "%s=%s" .name .url) }}
{{- with .auth }}{{ $endpoint = append $endpoint (printf "auth=%s" .) }}{{ end }}
{{- range .scopes }}{{ $endpoint = append $endpoint (printf "scope=%s" .) }}{{ end }}
{{- with .audience }}{{ $endpoint = append $endpoint (printf "audience=%s" .) }}{{ end }}
{{- with .lifeSeconds }}{{ $endpoint = append $endpoint (printf "life=%d" (int64 .)) }}{{ end }}
{{- with .reissue }}{{ $endpoint = append $endpoint (printf "reissue=%s" .) }}{{ end }}
- {{ printf "--oauth2-endpoint=%s" (join "," $endpoint) | toYaml }}
{{- end }}
{{- with $v.allowTemplateMetadata }}
- {{ printf "--allow-template-metadata=%s" (join "," .) | toYaml }}
{{- end }}
{{- if $v.allowInsecureEndpoints }}
- --allow-insecure-endpoints
{{- end }}
{{- if include "miniprogram-operator.caBundle" . }}
- {{ printf "--ca-bundle=/etc/miniprogram-operator/ca/%s" $v.caBundle.key | toYaml }}
{{- end }}
- --request-timeout-seconds={{ $v.requestTimeoutSeconds }}
- --connect-timeout-seconds={{ $v.connectTimeoutSeconds }}
- --max-response-bytes={{ int64 $v.maxResponseBytes }}
- --platform-qps={{ $v.platformQPS }}
- --concurrency={{ $v.concurrency }}
{{- if $v.leaderElection.enabled }}
- --leader-elect
- --lease-duration-seconds={{ $v.leaderElection.leaseDurationSeconds }}
{{- end }}
- --lease-name={{ include "miniprogram-operator.leaseName" . }}
- --metrics-bind-address={{ if $v.metrics.enabled }}:{{ $v.metrics.port }}{{ else }}0{{ end }}
- --health-probe-bind-address=:{{ $v.healthPort }}
{{- if and $v.metrics.enabled $v.metrics.perObject }}
- --per-object-metrics
{{- end }}
- --overdue-liveness-seconds={{ $v.overdueLivenessSeconds }}
- --shutdown-grace-seconds={{ $v.shutdownGraceSeconds }}
- --log-format={{ $v.log.format }}
- {{ printf "--log-level=%s" $v.log.level | quote }}
{{- with $v.extraArgs }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/*
The environment. What extraEnv names too is left to it: the API server refuses a name that is
there twice. The apiVersion is the API server's default, which Helm 4 would otherwise conflict
with when it takes over what kubectl applied.
*/}}
{{- define "miniprogram-operator.env" -}}
{{- $v := .Values -}}
{{- $pod := dict "fieldRef" (dict "apiVersion" "v1" "fieldPath" "metadata.namespace") -}}
{{- $own := list (dict "name" "POD_NAMESPACE" "valueFrom" $pod) -}}
{{- with $v.proxy.httpsProxy -}}
{{- $own = append $own (dict "name" "HTTPS_PROXY" "value" .) -}}
{{- end -}}
{{- with $v.proxy.httpProxy -}}
{{- $own = append $own (dict "name" "HTTP_PROXY" "value" .) -}}
{{- end -}}
{{- if or $v.proxy.httpsProxy $v.proxy.httpProxy -}}
{{- $hosts := list "$(KUBERNETES_SERVICE_HOST)" "127.0.0.1" "localhost" ".svc" ".cluster.local" -}}
{{- $hosts = compact (append $hosts $v.proxy.noProxy) -}}
{{- $own = append $own (dict "name" "NO_PROXY" "value" (join "," $hosts)) -}}
{{- end -}}
{{- $theirs := list -}}
{{- range $v.extraEnv -}}{{- $theirs = append $theirs .name -}}{{- end -}}
{{- range $own -}}
{{- if not (has .name $theirs) }}
- {{ toYaml . | nindent 2 | trim }}
{{- end -}}
{{- end -}}
{{- with $v.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* As Kubernetes has them, or names alone: the globals of other charts have both. */}}
{{- define "miniprogram-operator.pullSecrets" -}}
{{- $names := list -}}
{{- range list .Values.global.imagePullSecrets .Values.imagePullSecrets -}}
{{- $given := kindIs "string" . | ternary (list .) . -}}
{{- range $given -}}
{{- if kindIs "map" . -}}
{{- $names = append $names .name -}}
{{- else -}}
{{- $names = append $names . -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $names | compact | uniq }}
- name: {{ toYaml . }}
{{- end -}}
{{- end -}}

{{/* A security context as this cluster takes it: OpenShift assigns users and groups itself. */}}
{{- define "miniprogram-operator.securityContext" -}}
{{- $root := index . 0 -}}
{{- $context := index . 1 -}}
{{- if eq "true" (include "miniprogram-operator.isOpenShift" $root) -}}
{{- $context = omit $context "runAsUser" "runAsGroup" "fsGroup" -}}
{{- end -}}
{{- with $context }}{{ toYaml . }}{{ end -}}
{{- end -}}

{{- define "miniprogram-operator.isOpenShift" -}}
{{- $mode := "auto" -}}
{{- with .Values.global.compatibility -}}{{- if kindIs "map" . -}}
{{- with .openshift -}}{{- if kindIs "map" . -}}
{{- $mode = default "auto" .adaptSecurityContext -}}
{{- end -}}{{- end -}}
{{- end -}}{{- end -}}
{{- if eq $mode "auto" -}}
{{- .Capabilities.APIVersions.Has "security.openshift.io/v1" -}}
{{- else -}}
{{- eq $mode "force" -}}
{{- end -}}
{{- end -}}

{{- define "miniprogram-operator.caBundle" -}}
{{- with .Values.caBundle.configMapName -}}
configMap:
  name: {{ toYaml . }}
{{- end -}}
{{- with .Values.caBundle.secretName -}}
secret:
  secretName: {{ toYaml . }}
{{- end -}}
{{- end -}}
