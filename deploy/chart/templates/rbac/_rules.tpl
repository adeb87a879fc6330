{{/* What the operator may do: the same rules in a ClusterRole or in a Role of each watched namespace. */}}
{{- define "miniprogram-operator.rules" -}}
# Learn of every MiniProgram and of its changes; get settles what became of a write that was refused.
- apiGroups: [miniprogram.dev]
  resources: [miniprograms]
  verbs: [get, list, watch]
# Report. Spec, labels, annotations and owners are the user's: there is no update or patch on the object itself.
- apiGroups: [miniprogram.dev]
  resources: [miniprograms/status]
  verbs: [update]
# Learn of credentials and targets. The watches ask for metadata alone, but RBAC knows no such verb; get reads a credential
# that a MiniProgram names, list by name and type reads a target of ours.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, list, watch]
# Write targets by server-side apply, which is a patch, and a create where there is none yet.
- apiGroups: [""]
  resources: [secrets]
  verbs: [create, patch]
# Remove a target after it was renamed.
- apiGroups: [""]
  resources: [secrets]
  verbs: [delete]
# Tell what happened to a MiniProgram; patch counts a repeated Event up instead of adding another.
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end -}}
