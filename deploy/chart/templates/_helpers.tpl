{{- define "miniprogram-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* At most 63 characters, since it is also the name of a Lease. A release named after the chart is not named twice. */}}
{{- define "miniprogram-operator.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (include "miniprogram-operator.name" .) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "miniprogram-operator.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* The full name with a suffix, still within 63 characters: list $ "metrics". */}}
{{- define "miniprogram-operator.suffixed" -}}
{{- $suffix := index . 1 -}}
{{- printf "%s-%s" (include "miniprogram-operator.fullname" (index . 0) | trunc (int (sub 62 (len $suffix))) | trimSuffix "-") $suffix -}}
{{- end -}}

{{- define "miniprogram-operator.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride -}}
{{- end -}}

{{- define "miniprogram-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "miniprogram-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "miniprogram-operator.labels" -}}
{{ include "miniprogram-operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Labels, and annotations if there are any: list $ labels annotations. */}}
{{- define "miniprogram-operator.metadata" -}}
{{- $root := index . 0 -}}
{{- $labels := merge (dict) (index . 1) (include "miniprogram-operator.labels" $root | fromYaml) -}}
labels:
  {{- toYaml $labels | nindent 2 }}
{{- with merge (dict) (index . 2) $root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "miniprogram-operator.serviceAccountName" -}}
{{- default (include "miniprogram-operator.fullname" .) .Values.serviceAccount.name -}}
{{- end -}}

{{- define "miniprogram-operator.leaseName" -}}
{{- default (include "miniprogram-operator.fullname" .) .Values.leaderElection.leaseName -}}
{{- end -}}

{{- define "miniprogram-operator.image" -}}
{{- $image := .Values.image -}}
{{- printf "%s:%s" $image.repository (default .Chart.AppVersion $image.tag) -}}
{{- with $image.digest }}@{{ . }}{{ end -}}
{{- end -}}

{{/* Whether to render an object of a kind that the cluster may not know: list $ settings "group/version/Kind" "value". */}}
{{- define "miniprogram-operator.renders" -}}
{{- $root := index . 0 -}}{{- $settings := index . 1 -}}{{- $kind := index . 2 -}}
{{- include "miniprogram-operator.validate" $root -}}
{{- if $settings.enabled -}}
{{- if or (eq $settings.renderMode "alwaysRender") ($root.Capabilities.APIVersions.Has $kind) -}}
true
{{- else if eq $settings.renderMode "failIfMissing" -}}
{{- fail (printf "%s.enabled is set, but the cluster does not know %s: install the Prometheus operator first, or set %s.renderMode to skipIfMissing or alwaysRender" (index . 3) $kind (index . 3)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
