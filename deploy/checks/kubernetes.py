"""Checks manifests as kustomize rendered them: each against its published schema, and all against each other.

    kubernetes.py FOLDER RENDERED…

What the services read of them, settings and variables, is written to FOLDER, for the program itself to check.
"""

import pathlib
import re
import sys
import tomllib

import kubernetes_validate
import yaml

# The oldest Kubernetes that we say it runs on, and the newest whose schemas are published here.
VERSIONS = ["1.29", kubernetes_validate.latest_version()]
# Kinds of operators, whose schemas no package carries: the operator's own admission checks them.
NOT_PUBLISHED = {
    ("postgresql.cnpg.io/v1", "Cluster"),
    ("postgresql.cnpg.io/v1", "Database"),
    ("postgresql.cnpg.io/v1", "ScheduledBackup"),
    ("barmancloud.cnpg.io/v1", "ObjectStore"),
}
# The Secrets that nobody has to make.
MADE_BY_OPERATORS = {"baedal-postgres-ca"}
# `stop_limit_seconds`, for requests and again for background work.
STOP_SECONDS = 2 * 10
README = pathlib.Path(__file__).parent.parent / "README.md"


def seconds(text):
    return int(re.fullmatch(r"(\d+)s", text)[1])


def secrets_in(node):
    """The names of all Secrets that something refers to."""
    if isinstance(node, list):
        return set().union(*map(secrets_in, node))
    if not isinstance(node, dict):
        return set()
    names = {node["secretName"]} if "secretName" in node else set()
    for key in ["secretKeyRef", "passwordSecret", "accessKeyId", "secretAccessKey"]:
        names |= {node[key]["name"]} if key in node else set()
    return names.union(*map(secrets_in, node.values()))


class Manifests:
    """All objects of one rendered overlay."""

    def __init__(self, name, objects):
        self.name = name
        self.faults = []
        self.objects = {(o["kind"], o["metadata"]["name"]): o for o in objects}
        if len(self.objects) != len(objects):
            self.fault("two objects have the same kind and name")

    def fault(self, text):
        self.faults.append(f"{self.name}: {text}")

    def of(self, kind):
        return {name: o for (k, name), o in self.objects.items() if k == kind}

    def check_schemas(self):
        for (kind, name), o in self.objects.items():
            if (o["apiVersion"], kind) in NOT_PUBLISHED:
                continue
            for version in VERSIONS:
                try:
                    kubernetes_validate.validate(o, version, strict=True)
                except kubernetes_validate.ValidationError as error:
                    path = ".".join(str(step) for step in error.path)
                    self.fault(f"{kind} {name} is not one of Kubernetes {version}: {path}: {error.message}")
                except kubernetes_validate.SchemaNotFoundError as error:
                    self.fault(f"{kind} {name}: {error.message}")

    def check_services(self):
        """Every Deployment has what belongs to it, and every Service address leads somewhere."""
        for name, deployment in self.of("Deployment").items():
            labels = deployment["spec"]["template"]["metadata"]["labels"].items()
            for kind in ["Service", "PodDisruptionBudget", "HorizontalPodAutoscaler"]:
                other = self.objects.get((kind, name))
                if other is None:
                    self.fault(f"{name} has no {kind}")
                    continue
                selector = other["spec"].get("selector", {})
                selector = selector.get("matchLabels", selector)
                if not selector.items() <= labels:
                    self.fault(f"{kind} {name} selects other pods")
                if kind != "HorizontalPodAutoscaler":
                    taken = [n for n, d in self.of("Deployment").items()
                             if selector.items() <= d["spec"]["template"]["metadata"]["labels"].items()]
                    if taken != [name]:
                        self.fault(f"{kind} {name} selects {taken}")
            pod = deployment["spec"]["template"]["spec"]
            if pod.get("enableServiceLinks") is not False:
                self.fault(f"{name}: variables of Kubernetes would be taken for settings")
            for volume in pod.get("volumes", []):
                wanted = volume.get("configMap", {}).get("name")
                if wanted and wanted not in self.of("ConfigMap"):
                    self.fault(f"{name} mounts the ConfigMap {wanted}, which is not there")
        for name, ingress in self.of("Ingress").items():
            for rule in ingress["spec"]["rules"]:
                for path in rule["http"]["paths"]:
                    service = path["backend"]["service"]["name"]
                    if service not in self.of("Service"):
                        self.fault(f"Ingress {name} leads to {service}, which is not there")

    def check_settings(self, folder):
        """The settings fit the objects around them."""
        [settings_text] = [o["data"]["baedal.toml"] for o in self.of("ConfigMap").values()]
        settings = tomllib.loads(settings_text)
        contexts = [name.removeprefix("baedal-") for name in self.of("Deployment") if name != "baedal-gateway"]
        addresses = {c: [f"https://baedal-{c}:8080"] for c in contexts}
        if settings["peers"]["addresses"] != addresses:
            self.fault("peers.addresses are not the contexts' Services")

        connections = 0
        for name, scaling in self.of("HorizontalPodAutoscaler").items():
            replicas = scaling["spec"]["maxReplicas"]
            if replicas > settings["shards"]:
                self.fault(f"{name} may have more replicas than there are shards")
            if name != "baedal-gateway":
                # One more while a replica is replaced.
                connections += (replicas + 1) * settings["postgres"]["connections"]
        [cluster] = self.of("Cluster").values()
        most = int(cluster["spec"]["postgresql"]["parameters"]["max_connections"])
        if not connections < most:
            self.fault(f"the contexts may need {connections} connections, PostgreSQL allows {most}")

        grace_needed = seconds(settings["drain_for"]) + STOP_SECONDS
        for name, deployment in self.of("Deployment").items():
            if deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] <= grace_needed:
                self.fault(f"{name} may be killed before it has stopped, which takes up to {grace_needed} s")

        (folder / f"{self.name}.toml").write_text(settings_text)
        variables = self.of("Deployment")["baedal-order"]["spec"]["template"]["spec"]["containers"][0]["env"]
        # What a variable stands for that Kubernetes fills in from the pod: an address.
        of_the_pod = {v["name"]: "10.0.0.7" for v in variables if "fieldRef" in v.get("valueFrom", {})}
        values = {
            v["name"]: re.sub(r"\$\((\w+)\)", lambda named: of_the_pod.get(named[1], named[1]), v.get("value", "secret"))
            for v in variables
        }
        # It comes from a Secret, too, and is a table.
        values["BAEDAL_PEERS__KNOWN"] = "{}"
        lines = [f"{name}={value}\n" for name, value in values.items() if name.startswith("BAEDAL_")]
        (folder / f"{self.name}.env").write_text("".join(lines))

    def check_databases(self):
        """Each context has a database, an owner and a Secret, and the Secrets are in the guide."""
        [cluster] = self.of("Cluster").values()
        roles = {role["name"]: role["passwordSecret"]["name"] for role in cluster["spec"]["managed"]["roles"]}
        for name, deployment in self.of("Deployment").items():
            if name == "baedal-gateway":
                continue
            context = name.removeprefix("baedal-")
            database = self.objects[("Database", name)]["spec"]
            if database["name"] != f"baedal_{context}" or roles.get(database["owner"]) != f"baedal-postgres-{context}":
                self.fault(f"{context} has no database of its own")
            if f"baedal-postgres-{context}" not in secrets_in(deployment):
                self.fault(f"{context} does not use the password of its own database")
            if f"baedal-certificate-{context}" not in secrets_in(deployment):
                self.fault(f"{context} does not show a certificate of its own")
        guide = README.read_text()
        for secret in sorted(secrets_in(list(self.objects.values())) - MADE_BY_OPERATORS):
            told = re.sub(r"^(baedal-postgres|baedal-certificate)-\w+$", r"\1-$context", secret)
            if told not in guide:
                self.fault(f"deploy/README.md does not say how to make the Secret {secret}")


def main():
    folder = pathlib.Path(sys.argv[1])
    faults = []
    for path in map(pathlib.Path, sys.argv[2:]):
        manifests = Manifests(path.stem, [o for o in yaml.safe_load_all(path.read_text()) if o])
        manifests.check_schemas()
        manifests.check_services()
        manifests.check_settings(folder)
        manifests.check_databases()
        faults += manifests.faults
        print(f"{path.stem}: {len(manifests.objects)} objects", file=sys.stderr)
    print("not checked against a schema: " + ", ".join(sorted(kind for _, kind in NOT_PUBLISHED)), file=sys.stderr)
    if faults:
        sys.exit("\n".join(faults))


main()
