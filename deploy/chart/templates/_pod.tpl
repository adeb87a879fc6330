{{/* The command line. What has a default in the program is given all the same: `kubectl describe` then shows what holds. */}}
{{- define "miniprogram-operator.args" -}}
{{- $v := .Values -}}
{{- with $v.watchNamespaces }}
- --watch-namespaces={{ join "," . }}
{{- end }}
{{- with $v.selector }}
- {{ printf "--selector=%s" . | quote }}
{{- end }}
{{- range $platform, $settings := $v.platforms }}
{{- with $settings.endpoints }}
- --platform-endpoint={{ $platform }}={{ join "," . }}
{{- end }}
{{- end }}
{{- if $v.allowInsecureEndpoints }}
- --allow-insecure-endpoints
{{- end }}
{{- if include "miniprogram-operator.caBundle" . }}
- --ca-bundle=/etc/miniprogram-operator/ca/{{ $v.caBundle.key }}
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

{{- define "miniprogram-operator.env" -}}
{{- $v := .Values -}}
- name: POD_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
{{- with $v.proxy.httpsProxy }}
- name: HTTPS_PROXY
  value: {{ . | quote }}
{{- end }}
{{- with $v.proxy.httpProxy }}
- name: HTTP_PROXY
  value: {{ . | quote }}
{{- end }}
{{- if or $v.proxy.httpsProxy $v.proxy.httpProxy }}
- name: NO_PROXY
  value: {{ printf "$(KUBERNETES_SERVICE_HOST),127.0.0.1,localhost,.svc,.cluster.local%s" (ternary (printf ",%s" $v.proxy.noProxy) "" (ne $v.proxy.noProxy "")) | quote }}
{{- end }}
{{- with $v.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "miniprogram-operator.caBundle" -}}
{{- with .Values.caBundle.configMapName -}}
configMap:
  name: {{ . }}
{{- end -}}
{{- with .Values.caBundle.secretName -}}
secret:
  secretName: {{ . }}
{{- end -}}
{{- end -}}
