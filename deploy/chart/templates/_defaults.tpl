{{/* Made by deploy/chart/generate from values.yaml: do not edit. */}}
{{- define "miniprogram-operator.defaults" -}}
global:
  imagePullSecrets: []
  compatibility:
    openshift:
      adaptSecurityContext: auto
nameOverride: ""
fullnameOverride: ""
namespaceOverride: ""
commonLabels: {}
commonAnnotations: {}
watchNamespaces: []
selector: ""
platforms: {}
oauth2Endpoints: []
allowTemplateMetadata: []
allowInsecureEndpoints: false
requestTimeoutSeconds: 10
connectTimeoutSeconds: 5
maxResponseBytes: 65536
platformQPS: 50
concurrency: 32
proxy:
  httpsProxy: ""
  httpProxy: ""
  noProxy: ""
caBundle:
  configMapName: ""
  secretName: ""
  key: ca.crt
crds:
  enabled: true
  keep: true
  annotations: {}
replicaCount: 2
image:
  repository: miniprogram-operator
  tag: ""
  digest: ""
  pullPolicy: IfNotPresent
imagePullSecrets: []
leaderElection:
  enabled: true
  leaseName: ""
  leaseDurationSeconds: 15
serviceAccount:
  create: true
  name: ""
  annotations: {}
  labels: {}
rbac:
  create: true
  userRoles: true
  aggregate: true
admissionPolicy:
  enabled: true
strategy: {}
revisionHistoryLimit: 3
overdueLivenessSeconds: 300
shutdownGraceSeconds: 20
terminationGracePeriodSeconds: 30
resources:
  requests:
    cpu: 10m
    memory: 32Mi
  limits:
    memory: 128Mi
podSecurityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  seccompProfile:
    type: RuntimeDefault
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
livenessProbe:
  periodSeconds: 15
  timeoutSeconds: 5
  failureThreshold: 3
readinessProbe:
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 3
startupProbe:
  periodSeconds: 2
  timeoutSeconds: 5
  failureThreshold: 30
podDisruptionBudget:
  enabled: true
  minAvailable: null
  maxUnavailable: null
  unhealthyPodEvictionPolicy: AlwaysAllow
deploymentAnnotations: {}
podAnnotations: {}
podLabels: {}
nodeSelector:
  kubernetes.io/os: linux
tolerations: []
affinity: {}
topologySpreadConstraints: []
priorityClassName: ""
runtimeClassName: ""
hostAliases: []
dnsPolicy: ""
dnsConfig: {}
extraArgs: []
extraEnv: []
extraEnvFrom: []
extraVolumes: []
extraVolumeMounts: []
extraContainers: []
extraObjects: []
log:
  format: json
  level: info
metrics:
  enabled: true
  port: 8080
  perObject: true
  service:
    enabled: true
    annotations: {}
    labels: {}
  scrapeAnnotations: false
  serviceMonitor:
    enabled: false
    renderMode: failIfMissing
    namespace: ""
    labels: {}
    annotations: {}
    interval: 30s
    scrapeTimeout: 10s
    relabelings: []
    metricRelabelings: []
  podMonitor:
    enabled: false
    renderMode: failIfMissing
    namespace: ""
    labels: {}
    annotations: {}
    interval: 30s
    scrapeTimeout: 10s
    relabelings: []
    metricRelabelings: []
healthPort: 8081
prometheusRule:
  enabled: false
  renderMode: failIfMissing
  namespace: ""
  labels: {}
  annotations: {}
  alertLabels: {}
  runbookURL: ""
  expiringSoonSeconds: 180
  disabled: []
  extraRules: []
grafanaDashboard:
  enabled: false
  namespace: ""
  labels:
    grafana_dashboard: "1"
  annotations: {}
networkPolicy:
  enabled: false
  metricsFrom: []
  dnsPorts: [53, 5353]
  egressPorts: [443, 6443]
  extraEgress: []
test:
  labels: {}
  annotations: {}
{{- end -}}
