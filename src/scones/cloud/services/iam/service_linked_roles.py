"""Service-linked roles: roles that a service owns, with names and policies that AWS defines."""

from __future__ import annotations

import json
import sqlite3

from scones.cloud.context import CloudContext
from scones.cloud.core.uuids import uuid4
from scones.cloud.service import OperationCall
from scones.cloud.services.iam.errors import invalid_input, no_such_entity
from scones.cloud.services.iam.role_records import RoleRecords
from scones.cloud.services.iam.roles import SERVICE_PATH, new_role
from scones.cloud.wire.members import Members

_KNOWN = """
accountdiscovery.ssm AmazonSSM_AccountDiscovery AWSSystemsManagerAccountDiscoveryServicePolicy
acm CertificateManager CertificateManagerServiceRolePolicy
appmesh AppMesh AWSAppMeshServiceRolePolicy
autoscaling-plans AutoScalingPlans_EC2AutoScaling AWSAutoScalingPlansEC2AutoScalingPolicy
autoscaling AutoScaling AutoScalingServiceRolePolicy
backup Backup AWSBackupServiceLinkedRolePolicyForBackup
batch Batch BatchServiceRolePolicy
cassandra.application-autoscaling ApplicationAutoScaling_CassandraTable AWSApplicationAutoscalingCassandraTablePolicy
cks.kms KeyManagementServiceCustomKeyStores AWSKeyManagementServiceCustomKeyStoresServiceRolePolicy
cloudtrail CloudTrail CloudTrailServiceRolePolicy
codestar-notifications CodeStarNotifications AWSCodeStarNotificationsServiceRolePolicy
config Config AWSConfigServiceRolePolicy
connect AmazonConnect AmazonConnectServiceLinkedRolePolicy
dms-fleet-advisor DMSFleetAdvisor AWSDMSFleetAdvisorServiceRolePolicy
dms DMSServerless AWSDMSServerlessServiceRolePolicy
docdb-elastic DocDB-Elastic AmazonDocDB-ElasticServiceRolePolicy
ec2-instance-connect Ec2InstanceConnect Ec2InstanceConnectEndpoint
ec2.application-autoscaling ApplicationAutoScaling_EC2SpotFleetRequest AWSApplicationAutoscalingEC2SpotFleetRequestPolicy
ecr ECRTemplate ECRTemplateServiceRolePolicy
ecs ECS AmazonECSServiceRolePolicy
eks-connector AmazonEKSConnector AmazonEKSConnectorServiceRolePolicy
eks-fargate AmazonEKSForFargate AmazonEKSForFargateServiceRolePolicy
eks-nodegroup AmazonEKSNodegroup AWSServiceRoleForAmazonEKSNodegroup
eks AmazonEKS AmazonEKSServiceRolePolicy
elasticache ElastiCache ElastiCacheServiceRolePolicy
elasticbeanstalk ElasticBeanstalk AWSElasticBeanstalkServiceRolePolicy
elasticfilesystem AmazonElasticFileSystem AmazonElasticFileSystemServiceRolePolicy
elasticloadbalancing ElasticLoadBalancing AWSElasticLoadBalancingServiceRolePolicy
email.cognito-idp AmazonCognitoIdpEmailService AmazonCognitoIdpEmailServiceRolePolicy
emr-containers AmazonEMRContainers AmazonEMRContainersServiceRolePolicy
emrwal EMRWAL EMRDescribeClusterPolicyForEMRWAL
fis FIS AmazonFISServiceRolePolicy
grafana AmazonGrafana AmazonGrafanaServiceLinkedRolePolicy
imagebuilder ImageBuilder AWSServiceRoleForImageBuilder
iotmanagedintegrations IoTManagedIntegrations AWSIoTManagedIntegrationsRolePolicy
kafka Kafka KafkaServiceRolePolicy
kafkaconnect KafkaConnect KafkaConnectServiceRolePolicy
lakeformation LakeFormationDataAccess LakeFormationDataAccessServiceRolePolicy
lex LexBots AmazonLexBotPolicy
lexv2 LexV2Bots AmazonLexV2BotPolicy
lightsail Lightsail LightsailExportAccess
m2 AWSM2 AWSM2ServicePolicy
memorydb MemoryDB MemoryDBServiceRolePolicy
mq AmazonMQ AmazonMQServiceRolePolicy
mrk.kms KeyManagementServiceMultiRegionKeys AWSKeyManagementServiceMultiRegionKeysServiceRolePolicy
notifications AwsUserNotifications AWSUserNotificationsServiceLinkedRolePolicy
observability.aoss AmazonOpenSearchServerless AmazonOpenSearchServerlessServiceRolePolicy
opensearchservice AmazonOpenSearchService AmazonOpenSearchServiceRolePolicy
ops.apigateway APIGateway APIGatewayServiceRolePolicy
ops.emr-serverless AmazonEMRServerless AmazonEMRServerlessServiceRolePolicy
opsdatasync.ssm SystemsManagerOpsDataSync AWSSystemsManagerOpsDataSyncServiceRolePolicy
opsinsights.ssm AmazonSSM_OpsInsights AWSSSMOpsInsightsServiceRolePolicy
pullthroughcache.ecr ECRPullThroughCache AWSECRPullThroughCache_ServiceRolePolicy
ram ResourceAccessManager AWSResourceAccessManagerServiceRolePolicy
rds RDS AmazonRDSServiceRolePolicy
redshift Redshift AmazonRedshiftServiceLinkedRolePolicy
replication.cassandra KeyspacesReplication KeyspacesReplicationServiceRolePolicy
replication.ecr ECRReplication ECRReplicationServiceRolePolicy
repository.sync.codeconnections GitSync AWSGitSyncServiceRolePolicy
resource-explorer-2 ResourceExplorer AWSResourceExplorerServiceRolePolicy
rolesanywhere RolesAnywhere AWSRolesAnywhereServicePolicy
s3-outposts S3OnOutposts AWSS3OnOutpostsServiceRolePolicy
ses AmazonSES AmazonSESServiceRolePolicy
shield AWSShield AWSShieldServiceRolePolicy
ssm-incidents IncidentManager AWSIncidentManagerServiceRolePolicy
ssm-quicksetup SSMQuickSetup SSMQuickSetupRolePolicy
ssm AmazonSSM AmazonSSMServiceRolePolicy
sso SSO AWSSSOServiceRolePolicy
vpcorigin.cloudfront CloudFrontVPCOrigin AWSCloudFrontVPCOriginServiceRolePolicy
waf WAFLogging WAFLoggingServiceRolePolicy
wafv2 WAFV2Logging WAFV2LoggingServiceRolePolicy
"""  # noqa: E501
"""Each service without `.amazonaws.com`, its role without `AWSServiceRoleFor`, and the role's managed policy.

The names are those of AWS in 2025: IAM User Guide, "AWS services that work with IAM", and the guides of the services.
"""
_ROLES = {service: (role, policy) for service, role, policy in (line.split() for line in _KNOWN.strip().splitlines())}
_SUFFIXED = ("autoscaling.amazonaws.com", "connect.amazonaws.com", "lexv2.amazonaws.com")
"""Services whose roles can have a suffix: an account can have several of them."""
_DOMAIN = ".amazonaws.com"


class ServiceLinkedRoleOperations:
    """Operations that create and delete service-linked roles."""

    def __init__(self, cloud: CloudContext, roles: RoleRecords) -> None:
        self._account = cloud.settings.account
        self._store = cloud.store
        self._roles = roles

    async def create_service_linked_role(self, call: OperationCall) -> Members:
        """Create the role of a service with its policy. Services whose role is not known here are refused."""
        params = call.params
        service, suffix = params["AWSServiceName"], params.get("CustomSuffix")
        known = _ROLES.get(service.removesuffix(_DOMAIN))
        if known is None:
            raise invalid_input(f"The local cloud does not know the service-linked role of {service}.")
        if suffix and service not in _SUFFIXED:
            raise invalid_input(f"Custom suffix is not allowed for {service}")
        name = f"AWSServiceRoleFor{known[0]}" + (f"_{suffix}" if suffix else "")
        role = new_role(
            self._account,
            {
                "RoleName": name,
                "Path": f"{SERVICE_PATH}{service}/",
                "Description": params.get("Description"),
                "AssumeRolePolicyDocument": _trust_policy(service),
            },
        )
        policy = f"arn:aws:iam::aws:policy{SERVICE_PATH}{known[1]}"

        def create(connection: sqlite3.Connection) -> None:
            if connection.execute("SELECT 1 FROM roles WHERE name = ?", (name,)).fetchone():
                raise invalid_input(
                    f"Service role name {name} has been taken in this account, please try a different suffix."
                )
            connection.execute("INSERT INTO roles VALUES (?, ?, '{}')", (name, json.dumps(role)))
            connection.execute("INSERT INTO role_policies VALUES (?, ?, NULL)", (name, policy))

        await self._store.write(create)
        return {"Role": {**self._roles.get(name), "MaxSessionDuration": None}}

    async def delete_service_linked_role(self, call: OperationCall) -> Members:
        """Delete the role of a service at once, and return the task that AWS would need for it."""
        name = call.params["RoleName"]
        path = self._roles.get(name)["Path"]
        if not path.startswith(SERVICE_PATH):
            raise no_such_entity(f"The role with name {name} cannot be found.")
        await self._store.execute("DELETE FROM roles WHERE name = ?", name)
        return {"DeletionTaskId": f"task{path}{name}/{uuid4()}"}

    async def get_service_linked_role_deletion_status(self, call: OperationCall) -> Members:
        """Return the state of a deletion, which ended before it was answered."""
        _, _, rest = call.params["DeletionTaskId"].partition(f"task{SERVICE_PATH}")
        parts = rest.split("/")
        if len(parts) != 3 or self._roles.exists(parts[1]):
            raise no_such_entity(f"Deletion task {call.params['DeletionTaskId']} was not found.")
        return {"Status": "SUCCEEDED"}


def _trust_policy(service: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
