{{- define "extraction.name" -}}
{{- if contains "extraction-operator" .Release.Name -}}
{{- .Release.Name | trunc 53 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-extraction-operator" .Release.Name | trunc 53 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "extraction.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "extraction.name" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "extraction.selector" -}}
app.kubernetes.io/name: extraction-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "extraction.labels" -}}
{{ include "extraction.selector" . }}
app.kubernetes.io/part-of: extraction
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{/* A full image reference; expects a dict of `image` and `root`. */}}
{{- define "extraction.image" -}}
{{- if eq (toString .image.tag) "latest" -}}
{{- fail (printf "the tag of image %s must not be 'latest', which names no release: give a version, or a digest" .image.repository) -}}
{{- end -}}
{{- if .image.digest -}}
{{ .image.repository }}@{{ .image.digest }}
{{- else -}}
{{ .image.repository }}:{{ default .root.Chart.AppVersion .image.tag }}
{{- end -}}
{{- end -}}

{{/* What every container of ours is allowed, which is what the restricted Pod Security standard asks for. */}}
{{- define "extraction.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "extraction.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* Where pods may run and how their images are fetched; the same for the operator and the check. */}}
{{- define "extraction.placement" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}
