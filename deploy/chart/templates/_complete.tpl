{{/*
Gives every key that was left empty its default. Helm takes a key away where somebody wrote `key:`
and nothing else, and with --reuse-values the keys that are new in this chart are missing; others
write `key: ""`. Every template begins with it.
*/}}
{{- define "miniprogram-operator.complete" -}}
{{- $defaults := include "miniprogram-operator.defaults" . | fromYaml -}}
{{- include "miniprogram-operator.fill" (list .Values $defaults) -}}
{{- include "miniprogram-operator.prune" (list (omit .Values "global") false) -}}
{{- range list "resources" "podSecurityContext" "securityContext" -}}
{{- include "miniprogram-operator.prune" (list (index $.Values .) true) -}}
{{- end -}}
{{- end -}}

{{/*
Below the foreign keys stands what Kubernetes or another chart defines. There, null means to leave
out what the default has, as it does for Helm.
*/}}
{{- define "miniprogram-operator.fill" -}}
{{- $values := index . 0 -}}
{{- $foreign := list "global" "resources" "podSecurityContext" "securityContext" -}}
{{- $foreign = concat $foreign (list "nodeSelector" "labels") -}}
{{- range $key, $default := index . 1 -}}
{{- $given := index $values $key -}}
{{- if or (kindIs "invalid" $given) (eq "" (toString $given)) -}}
{{- $_ := set $values $key $default -}}
{{- else if and (kindIs "map" $default) (not (has $key $foreign)) -}}
{{- include "miniprogram-operator.fill" (list $given $default) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
Removes what is null: list VALUES EMPTY. Some versions of Helm leave null where a parent chart has
it. With EMPTY, what is empty goes too: Helm 4 drops null from the values.yaml of a parent chart,
so there an empty string has to say the same.
*/}}
{{- define "miniprogram-operator.prune" -}}
{{- $values := index . 0 -}}
{{- $empty := index . 1 -}}
{{- range $key, $given := $values -}}
{{- if kindIs "map" $given -}}
{{- include "miniprogram-operator.prune" (list $given $empty) -}}
{{- end -}}
{{- $blank := and $empty (has (kindOf $given) (list "string" "map" "slice")) (not $given) -}}
{{- if or $blank (kindIs "invalid" $given) -}}
{{- $_ := unset $values $key -}}
{{- end -}}
{{- end -}}
{{- end -}}
