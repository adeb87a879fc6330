{{- define "miniprogram-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/*
At most 63 characters, without dots and with a letter first, since it is also the name of a Lease
and of a Service. A release named after the chart is not named twice.
*/}}
{{- define "miniprogram-operator.fullname" -}}
{{- $chart := include "miniprogram-operator.name" . -}}
{{- $release := .Release.Name | replace "." "-" -}}
{{- $both := contains $chart $release | ternary $release (printf "%s-%s" $release $chart) -}}
{{- $name := default $both .Values.fullnameOverride -}}
{{- if regexMatch "^[0-9]" $name -}}{{- $name = printf "mp-%s" $name -}}{{- end -}}
{{- $name | trunc 63 | regexFind ".*[^-]" -}}
{{- end -}}

{{/* The full name with a suffix, still within 63 characters: list $ "metrics". */}}
{{- define "miniprogram-operator.suffixed" -}}
{{- $suffix := index . 1 -}}
{{- $name := include "miniprogram-operator.fullname" (index . 0) -}}
{{- $room := int (sub 62 (len $suffix)) -}}
{{- printf "%s-%s" ($name | trunc $room | regexFind ".*[^-]") $suffix -}}
{{- end -}}

{{/*
The name of an object that is in another namespace than the release, or in none: list $ suffix
namespace. Releases of one name in two namespaces share none.
*/}}
{{- define "miniprogram-operator.nameIn" -}}
{{- $root := index . 0 -}}
{{- $own := include "miniprogram-operator.namespace" $root -}}
{{- $name := include "miniprogram-operator.fullname" $root -}}
{{- with index . 1 -}}
{{- $name = include "miniprogram-operator.suffixed" (list $root .) -}}
{{- end -}}
{{- eq (index . 2) $own | ternary $name (printf "%s.%s" $name $own) -}}
{{- end -}}

{{- define "miniprogram-operator.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride -}}
{{- end -}}

{{- define "miniprogram-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "miniprogram-operator.name" . | toYaml }}
app.kubernetes.io/instance: {{ .Release.Name | toYaml }}
{{- end -}}

{{/* Of the pod of `helm test`, which no selector of the operator's pods may match. */}}
{{- define "miniprogram-operator.testName" -}}
{{- include "miniprogram-operator.name" . | trunc 58 | printf "%s-test" -}}
{{- end -}}

{{- define "miniprogram-operator.labels" -}}
{{ include "miniprogram-operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{/*
Labels, and annotations if there are any: list $ labels annotations. The chart's own labels win,
since selectors look for them.
*/}}
{{- define "miniprogram-operator.metadata" -}}
{{- $root := index . 0 -}}
{{- $own := include "miniprogram-operator.labels" $root | fromYaml -}}
labels:
  {{- merge (dict) $own (index . 1) $root.Values.commonLabels | toYaml | nindent 2 }}
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
