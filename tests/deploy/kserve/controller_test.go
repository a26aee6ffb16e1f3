package components

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"knative.dev/pkg/apis"
	knservingv1 "knative.dev/serving/pkg/apis/serving/v1"
	"sigs.k8s.io/yaml"

	"github.com/kserve/kserve/pkg/apis/serving/v1alpha1"
	"github.com/kserve/kserve/pkg/apis/serving/v1beta1"
	"github.com/kserve/kserve/pkg/controller/v1beta1/inferenceservice/reconcilers/service"
)

func read(t *testing.T, file string) *v1beta1.InferenceService {
	text, err := os.ReadFile(filepath.Join(os.Getenv("MANIFESTS"), file))
	if err != nil {
		t.Fatal(err)
	}
	for _, doc := range strings.Split(string(text), "\n---\n") {
		if strings.Contains(doc, "kind: InferenceService") {
			isvc := &v1beta1.InferenceService{}
			if err := yaml.UnmarshalStrict([]byte(doc), isvc); err != nil {
				t.Fatal(file, err)
			}
			isvc.Namespace = "shop"
			return isvc
		}
	}
	t.Fatal("no service in " + file)
	return nil
}

// What the controller makes of each service: its containers, the port that requests come to.
func TestSidelight(t *testing.T) {
	expected := map[string]struct {
		containers []string
		port       int
	}{
		"standard.yaml":    {[]string{"kserve-container", "agent"}, 9081},
		"knative.yaml":     {[]string{"kserve-container", "agent"}, 9081},
		"agent-image.yaml": {[]string{"kserve-container"}, 9081},
	}
	for file, wanted := range expected {
		isvc := read(t, file)
		if _, err := (&v1beta1.InferenceServiceValidator{}).ValidateCreate(context.Background(), isvc); err != nil {
			t.Fatal(file, err)
		}
		if n := len(isvc.Spec.Predictor.GetImplementations()); n != 1 {
			t.Fatal(file, "implementations", n)
		}
		podSpec := built(t, isvc)
		names := []string{}
		for _, container := range podSpec.Containers {
			names = append(names, container.Name)
		}
		if !reflect.DeepEqual(names, wanted.containers) {
			t.Fatal(file, names)
		}
		port := standardPort(isvc, &podSpec)
		if file == "knative.yaml" {
			port = knativePort(t, isvc, podSpec)
		}
		if port != wanted.port {
			t.Fatal(file, "requests come to", port)
		}
	}
}

// As KServe's own runtimes: no container names a port.
func built(t *testing.T, isvc *v1beta1.InferenceService) corev1.PodSpec {
	name := "kserve-mlserver"
	isvc.Spec.Predictor.Model.Runtime = &name
	runtime := v1alpha1.ServingRuntimeSpec{ServingRuntimePodSpec: v1alpha1.ServingRuntimePodSpec{
		Containers: []corev1.Container{{Name: "kserve-container", Image: "mlserver:1"}}}}
	podSpec, err := (&Predictor{}).buildPodSpec(isvc, runtime, nil)
	if err != nil {
		t.Fatal(err)
	}
	return podSpec
}

func standardPort(isvc *v1beta1.InferenceService, podSpec *corev1.PodSpec) int {
	meta := metav1.ObjectMeta{Name: "income-predictor"}
	extension := &isvc.Spec.Predictor.ComponentExtensionSpec
	services := service.NewServiceReconciler(nil, nil, meta, extension, podSpec, false, nil).ServiceList
	return services[0].Spec.Ports[0].TargetPort.IntValue()
}

// Knative validates the service, and sends requests to the container that names a port.
func knativePort(t *testing.T, isvc *v1beta1.InferenceService, podSpec corev1.PodSpec) int {
	revision := knservingv1.RevisionSpec{PodSpec: podSpec, TimeoutSeconds: isvc.Spec.Predictor.TimeoutSeconds}
	template := knservingv1.RevisionTemplateSpec{Spec: revision}
	ksvc := &knservingv1.Service{ObjectMeta: metav1.ObjectMeta{Name: "income-predictor", Namespace: "shop"},
		Spec: knservingv1.ServiceSpec{ConfigurationSpec: knservingv1.ConfigurationSpec{Template: template}}}
	ctx := context.Background()
	ksvc.SetDefaults(ctx)
	if err := ksvc.Validate(ctx).Filter(apis.ErrorLevel); err != nil {
		t.Fatal(err)
	}
	port := 0
	for _, container := range ksvc.Spec.Template.Spec.Containers {
		for _, named := range container.Ports {
			port = int(named.ContainerPort)
		}
	}
	return port
}
