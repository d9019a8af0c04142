PRAGMA foreign_keys = OFF;
BEGIN TRANSACTION;
CREATE TABLE accepted_events (
        id INTEGER PRIMARY KEY AUTOINCREMENT, request_id TEXT NOT NULL, function TEXT NOT NULL, payload BLOB NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0, accepted REAL NOT NULL, due REAL NOT NULL
    );
CREATE TABLE event_invoke_configs (
        function TEXT NOT NULL REFERENCES functions(name) ON DELETE CASCADE, qualifier TEXT NOT NULL,
        document TEXT NOT NULL, PRIMARY KEY (function, qualifier)
    ) WITHOUT ROWID;
INSERT INTO "event_invoke_configs" VALUES('upgraded','$LATEST','{"FunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:upgraded:$LATEST", "MaximumRetryAttempts": 1, "DestinationConfig": {"OnSuccess": {}, "OnFailure": {}}, "LastModified": 1795921084.404252}');
CREATE TABLE event_source_mappings (
        uuid TEXT PRIMARY KEY, function_arn TEXT NOT NULL, source_arn TEXT NOT NULL, document TEXT NOT NULL,
        UNIQUE (function_arn, source_arn)
    ) WITHOUT ROWID
;
INSERT INTO "event_source_mappings" VALUES('0b4992b2-a560-4db8-adf4-b50875e61cde','arn:aws:lambda:us-east-1:111122223333:function:upgraded','arn:aws:sqs:us-east-1:111122223333:upgraded.fifo','{"UUID": "0b4992b2-a560-4db8-adf4-b50875e61cde", "EventSourceMappingArn": "arn:aws:lambda:us-east-1:111122223333:event-source-mapping:0b4992b2-a560-4db8-adf4-b50875e61cde", "BatchSize": 10, "MaximumBatchingWindowInSeconds": 0, "FunctionResponseTypes": [], "EventSourceArn": "arn:aws:sqs:us-east-1:111122223333:upgraded.fifo", "FunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:upgraded", "State": "Disabled", "LastModified": 1795921084.5389168, "StateTransitionReason": "USER_INITIATED"}');
CREATE TABLE events_buses (
        name TEXT PRIMARY KEY, document TEXT NOT NULL, tags TEXT NOT NULL, created REAL NOT NULL, modified REAL NOT NULL
    ) WITHOUT ROWID;
INSERT INTO "events_buses" VALUES('default','{}','{}',1795921078.0,1795921078.0);
INSERT INTO "events_buses" VALUES('upgraded','{"Description": "kept"}','{}',1.79592108151447200775e+09,1.79592108151447200775e+09);
CREATE TABLE events_deliveries ( id INTEGER PRIMARY KEY AUTOINCREMENT, lane TEXT NOT NULL, payload TEXT NOT NULL);
CREATE TABLE events_deliveries_payloads ( first INTEGER PRIMARY KEY, last INTEGER NOT NULL, payload TEXT NOT NULL);
CREATE TABLE events_rules (
        bus TEXT NOT NULL REFERENCES events_buses(name) ON DELETE CASCADE, name TEXT NOT NULL, pattern TEXT,
        schedule TEXT, state TEXT NOT NULL, document TEXT NOT NULL, tags TEXT NOT NULL, modified REAL NOT NULL,
        PRIMARY KEY (bus, name)
    ) WITHOUT ROWID;
INSERT INTO "events_rules" VALUES('default','scheduled',NULL,'rate(1 day)','DISABLED','{"Description": "kept"}','{"team": "ml"}',1.79592108166945624344e+09);
INSERT INTO "events_rules" VALUES('upgraded','matched','{"source": ["upgrade"]}',NULL,'ENABLED','{"Description": "kept"}','{"team": "ml"}',1.79592108154377222061e+09);
CREATE TABLE events_targets (
        bus TEXT NOT NULL, rule TEXT NOT NULL, id TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (bus, rule, id),
        FOREIGN KEY (bus, rule) REFERENCES events_rules(bus, name) ON DELETE CASCADE
    ) WITHOUT ROWID;
INSERT INTO "events_targets" VALUES('default','scheduled','queue','{"Id": "queue", "Arn": "arn:aws:sqs:us-east-1:111122223333:upgraded", "InputPath": "$.detail"}');
INSERT INTO "events_targets" VALUES('upgraded','matched','queue','{"Id": "queue", "Arn": "arn:aws:sqs:us-east-1:111122223333:upgraded", "InputPath": "$.detail"}');
CREATE TABLE function_aliases (
        function TEXT NOT NULL REFERENCES functions(name) ON DELETE CASCADE, name TEXT NOT NULL,
        document TEXT NOT NULL, PRIMARY KEY (function, name)
    ) WITHOUT ROWID;
INSERT INTO "function_aliases" VALUES('upgraded','live','{"AliasArn": "arn:aws:lambda:us-east-1:111122223333:function:upgraded:live", "Name": "live", "FunctionVersion": "1", "Description": "", "RevisionId": "914946fa-79d3-429e-bdd7-da6a28396d0b"}');
CREATE TABLE function_results ( id INTEGER PRIMARY KEY AUTOINCREMENT, lane TEXT NOT NULL, payload TEXT NOT NULL);
CREATE TABLE function_results_payloads ( first INTEGER PRIMARY KEY, last INTEGER NOT NULL, payload TEXT NOT NULL);
CREATE TABLE function_settings (
        function TEXT NOT NULL REFERENCES functions(name) ON DELETE CASCADE, qualifier TEXT NOT NULL,
        kind TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (function, kind, qualifier)
    ) WITHOUT ROWID
;
INSERT INTO "function_settings" VALUES('upgraded','$LATEST','recursion','{"RecursiveLoop": "Allow"}');
CREATE TABLE function_statements (
        function TEXT NOT NULL REFERENCES functions(name) ON DELETE CASCADE, qualifier TEXT NOT NULL, sid TEXT NOT NULL,
        statement TEXT NOT NULL, PRIMARY KEY (function, qualifier, sid)
    ) WITHOUT ROWID;
INSERT INTO "function_statements" VALUES('upgraded','','one','{"Sid": "one", "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "lambda:InvokeFunction", "Resource": "arn:aws:lambda:us-east-1:111122223333:function:upgraded"}');
CREATE TABLE function_urls (
        function TEXT NOT NULL REFERENCES functions(name) ON DELETE CASCADE, qualifier TEXT NOT NULL,
        id TEXT NOT NULL UNIQUE, document TEXT NOT NULL, PRIMARY KEY (function, qualifier)
    ) WITHOUT ROWID
;
INSERT INTO "function_urls" VALUES('upgraded','','49dc46887c21f6d340d5f91593910d8f','{"FunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:upgraded", "InvokeMode": "BUFFERED", "CreationTime": "2026-11-29T02:58:04.491209Z", "LastModifiedTime": "2026-11-29T02:58:04.491209Z", "AuthType": "NONE"}');
CREATE TABLE function_versions (
        function TEXT NOT NULL REFERENCES functions(name) ON DELETE CASCADE, version INTEGER NOT NULL,
        document TEXT NOT NULL, code TEXT NOT NULL, PRIMARY KEY (function, version)
    ) WITHOUT ROWID;
INSERT INTO "function_versions" VALUES('upgraded',1,'{"FunctionName": "upgraded", "FunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:upgraded:1", "Description": "", "Timeout": 3, "MemorySize": 128, "EphemeralStorage": {"Size": 512}, "Architectures": ["x86_64"], "Runtime": "python3.12", "Role": "arn:aws:iam::111122223333:role/upgraded", "Handler": "main.handler", "Environment": {"Variables": {"KEPT": "yes"}}, "Layers": [{"Arn": "arn:aws:lambda:us-east-1:111122223333:layer:upgraded:1", "CodeSize": 134}], "CodeSize": 168, "CodeSha256": "UKneSlwe15I2WOKmZYEiilWAATFiBwDedouF5Suio18=", "LastModified": "2026-11-29T02:58:04.034+0000", "Version": "1", "TracingConfig": {"Mode": "PassThrough"}, "RevisionId": "678879c5-01a4-439b-8366-408822b17069", "State": "Active", "LastUpdateStatus": "Successful", "PackageType": "Zip", "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"}, "RuntimeVersionConfig": {"RuntimeVersionArn": "arn:aws:lambda:us-east-1::runtime:0000000000000000000000000000000000000000000000000000000000000000"}, "LoggingConfig": {"LogFormat": "Text", "LogGroup": "/aws/lambda/upgraded"}}','50a9de4a5c1ed7923658e2a66581228a55800131620700de768b85e52ba2a35f');
CREATE TABLE functions (
        name TEXT PRIMARY KEY, document TEXT NOT NULL, code TEXT NOT NULL, tags TEXT NOT NULL DEFAULT '{}',
        reserved INTEGER, last_version INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID;
INSERT INTO "functions" VALUES('upgraded','{"FunctionName": "upgraded", "FunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:upgraded", "Description": "", "Timeout": 3, "MemorySize": 128, "EphemeralStorage": {"Size": 512}, "Architectures": ["x86_64"], "Runtime": "python3.12", "Role": "arn:aws:iam::111122223333:role/upgraded", "Handler": "main.handler", "Environment": {"Variables": {"KEPT": "yes"}}, "Layers": [{"Arn": "arn:aws:lambda:us-east-1:111122223333:layer:upgraded:1", "CodeSize": 134}], "CodeSize": 168, "CodeSha256": "UKneSlwe15I2WOKmZYEiilWAATFiBwDedouF5Suio18=", "LastModified": "2026-11-29T02:58:04.034+0000", "Version": "$LATEST", "TracingConfig": {"Mode": "PassThrough"}, "RevisionId": "cfc4ffd9-68e1-496c-b853-de8b8ea5bd19", "State": "Active", "LastUpdateStatus": "Successful", "PackageType": "Zip", "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"}, "RuntimeVersionConfig": {"RuntimeVersionArn": "arn:aws:lambda:us-east-1::runtime:0000000000000000000000000000000000000000000000000000000000000000"}, "LoggingConfig": {"LogFormat": "Text", "LogGroup": "/aws/lambda/upgraded"}}','50a9de4a5c1ed7923658e2a66581228a55800131620700de768b85e52ba2a35f','{"team": "ml"}',5,1);
CREATE TABLE layer_versions (
        name TEXT NOT NULL, version INTEGER NOT NULL, document TEXT NOT NULL, code TEXT NOT NULL,
        deleted INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (name, version)
    ) WITHOUT ROWID
;
INSERT INTO "layer_versions" VALUES('upgraded',1,'{"Content": {"CodeSha256": "MgHi0+UU0XApF0vcsLdCggpbT5tOX7+GfqId1/DeZa8=", "CodeSize": 134}, "LayerArn": "arn:aws:lambda:us-east-1:111122223333:layer:upgraded", "Description": "kept", "CreatedDate": "2026-11-29T02:58:03.157+0000", "CompatibleRuntimes": null, "LicenseInfo": null, "CompatibleArchitectures": null, "LayerVersionArn": "arn:aws:lambda:us-east-1:111122223333:layer:upgraded:1", "Version": 1}','3201e2d3e514d17029174bdcb0b742820a5b4f9b4e5fbf867ea21dd7f0de65af',0);
CREATE TABLE log_events (
            id INTEGER PRIMARY KEY AUTOINCREMENT, group_name TEXT NOT NULL, stream TEXT NOT NULL,
            at INTEGER NOT NULL, ingested INTEGER NOT NULL, message TEXT NOT NULL,
            FOREIGN KEY (group_name, stream) REFERENCES log_streams(group_name, name) ON DELETE CASCADE
        );
INSERT INTO "log_events" VALUES(1,'/upgraded','stream',1795921082016,1795921082027,'line 0');
INSERT INTO "log_events" VALUES(2,'/upgraded','stream',1795921082017,1795921082027,'line 1');
INSERT INTO "log_events" VALUES(3,'/upgraded','stream',1795921082018,1795921082027,'line 2');
INSERT INTO "log_events" VALUES(4,'/aws/lambda/upgraded','2026/11/29/[$LATEST]a47a706b44f3498abed615ac2d5de443',1795921086902,1795921087069,'INIT_START Runtime Version: python:3.12.v1	Runtime Version ARN: arn:aws:lambda:us-east-1::runtime:0000000000000000000000000000000000000000000000000000000000000000');
INSERT INTO "log_events" VALUES(5,'/aws/lambda/upgraded','2026/11/29/[$LATEST]a47a706b44f3498abed615ac2d5de443',1795921087064,1795921087069,'START RequestId: 1ddf0691-9f84-4429-9425-f06af9101593 Version: $LATEST');
INSERT INTO "log_events" VALUES(6,'/aws/lambda/upgraded','2026/11/29/[$LATEST]a47a706b44f3498abed615ac2d5de443',1795921087068,1795921087069,'END RequestId: 1ddf0691-9f84-4429-9425-f06af9101593');
INSERT INTO "log_events" VALUES(7,'/aws/lambda/upgraded','2026/11/29/[$LATEST]a47a706b44f3498abed615ac2d5de443',1795921087068,1795921087069,'REPORT RequestId: 1ddf0691-9f84-4429-9425-f06af9101593	Duration: 4.38 ms	Billed Duration: 167 ms	Memory Size: 128 MB	Max Memory Used: 32 MB	Init Duration: 162.05 ms	');
INSERT INTO "log_events" VALUES(8,'/aws/sagemaker/TrainingJobs','upgraded/algo-1-1795921091',1795921092625,1795921092625,'Training begins');
CREATE TABLE log_groups (
            name TEXT PRIMARY KEY, created INTEGER NOT NULL, retention INTEGER, tags TEXT NOT NULL DEFAULT '{}'
        ) WITHOUT ROWID;
INSERT INTO "log_groups" VALUES('/aws/lambda/upgraded',1795921087069,NULL,'{}');
INSERT INTO "log_groups" VALUES('/aws/sagemaker/TrainingJobs',1795921092625,NULL,'{}');
INSERT INTO "log_groups" VALUES('/upgraded',1795921081989,30,'{"team": "ml"}');
CREATE TABLE log_streams (
            group_name TEXT NOT NULL REFERENCES log_groups(name) ON DELETE CASCADE, name TEXT NOT NULL,
            created INTEGER NOT NULL, first INTEGER, last INTEGER, ingested INTEGER, bytes INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (group_name, name)
        ) WITHOUT ROWID;
INSERT INTO "log_streams" VALUES('/aws/lambda/upgraded','2026/11/29/[$LATEST]a47a706b44f3498abed615ac2d5de443',1795921087069,1795921086902,1795921087068,1795921087069,552);
INSERT INTO "log_streams" VALUES('/aws/sagemaker/TrainingJobs','upgraded/algo-1-1795921091',1795921092625,1795921092625,1795921092625,1795921092625,41);
INSERT INTO "log_streams" VALUES('/upgraded','stream',1795921082014,1795921082016,1795921082018,1795921082027,96);
CREATE TABLE metric_samples (
            metric INTEGER NOT NULL REFERENCES metrics(id), at REAL NOT NULL, unit TEXT NOT NULL,
            value REAL NOT NULL, count REAL NOT NULL
        );
INSERT INTO "metric_samples" VALUES(1,1795921080.0,'None',7.0,1.0);
CREATE TABLE metrics (
            id INTEGER PRIMARY KEY, namespace TEXT NOT NULL, name TEXT NOT NULL, dimensions TEXT NOT NULL,
            UNIQUE (namespace, name, dimensions)
        );
INSERT INTO "metrics" VALUES(1,'Upgraded','m','{"d": "v"}');
CREATE TABLE policies (
            arn TEXT PRIMARY KEY, document TEXT NOT NULL, body TEXT NOT NULL
        ) WITHOUT ROWID
    ;
INSERT INTO "policies" VALUES('arn:aws:iam::111122223333:policy/upgraded','{"PolicyName": "upgraded", "PolicyId": "ANPA8A8939040BB55B0DE", "Arn": "arn:aws:iam::111122223333:policy/upgraded", "Path": "/", "DefaultVersionId": "v1", "IsAttachable": true, "Description": null, "CreateDate": 1795921082.46246, "UpdateDate": 1795921082.46246}','{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}');
CREATE TABLE role_policies (
            role TEXT NOT NULL REFERENCES roles(name) ON DELETE CASCADE, name TEXT NOT NULL, document TEXT,
            PRIMARY KEY (role, name)
        ) WITHOUT ROWID;
INSERT INTO "role_policies" VALUES('upgraded','arn:aws:iam::111122223333:policy/upgraded',NULL);
INSERT INTO "role_policies" VALUES('upgraded','inline','{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}');
CREATE TABLE roles (
            name TEXT PRIMARY KEY, document TEXT NOT NULL, tags TEXT NOT NULL DEFAULT '{}'
        ) WITHOUT ROWID;
INSERT INTO "roles" VALUES('AmazonSageMaker-ExecutionRole-Scones','{"Path": "/service-role/", "RoleName": "AmazonSageMaker-ExecutionRole-Scones", "RoleId": "AROA93F095B4BE4161555", "Arn": "arn:aws:iam::111122223333:role/service-role/AmazonSageMaker-ExecutionRole-Scones", "CreateDate": 1795921078.927906, "AssumeRolePolicyDocument": "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Effect\": \"Allow\", \"Principal\": {\"Service\": \"sagemaker.amazonaws.com\"}, \"Action\": \"sts:AssumeRole\"}]}", "Description": null, "MaxSessionDuration": 3600}','{}');
INSERT INTO "roles" VALUES('upgraded','{"Path": "/", "RoleName": "upgraded", "RoleId": "AROA5DDD92FA65D634733", "Arn": "arn:aws:iam::111122223333:role/upgraded", "CreateDate": 1795921082.416588, "AssumeRolePolicyDocument": "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Effect\": \"Allow\", \"Principal\": {\"Service\": \"lambda.amazonaws.com\"}, \"Action\": \"sts:AssumeRole\"}]}", "Description": "kept", "MaxSessionDuration": 3600}','{"team": "ml"}');
CREATE TABLE s3_bodies (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
INSERT INTO "s3_bodies" VALUES(1,X'736D616C6C');
INSERT INTO "s3_bodies" VALUES(2,X'61206D6F64656C');
INSERT INTO "s3_bodies" VALUES(3,X'1F8B0808C4940B6B00FF75706C6F61642E74617200ED965B73DA3814C7F351323C2FF8028194997D708C00812F600B086C763C8E51C0E05B24BB8464F8EE9545036DDAED767626ED3EE8C70096F43F171DE984F809DD6152CB9FF28B7743663465997FCBDF7E335A17CA555D565B8A5A971B17B222CB6AF3E2527EBF94CE1434F7094BE557C4FA1F92133F4CF0F277A721F84D508C93DA86A6C93BC6F897FEAF37D437FD2FB79A6A43F4FFAFE0A5F210469856DA972F95204D1EC295B4DE6798643EF1639C6342F9ED60EB959743E58FCB5751986445BEF473FF38FEBE88609A1624C06F357795A0200427B9B74E697EC7E6EE2A7EB44AABCA1DB33EAF86093B9C24C05ECE523ACAE2A8165FD5229FACF0D7DA15498BCC4B58D247E13A8DD3154E705A503D62878CC9515F46A4A5E4AF73CCBFCB855330EEE92879793BFD13017E26E9EF2671E0692438DFA564CBF6CE3C3EF8CCCF396494DE550E95032B304E3E86244D62B6737E74DACCF5345D07AEEB0DC1DC839DB2CE9A0B35773470E64673DA840BB331EC19E5E9946217E80E405FD894061F5AAA678F93FE025E8F33F9BEB8EEABCA7CF7488A7564C448EFDBA0E5DE0F1F5B6727AE0B6DCB43F61058A503BC1F90C5ED36B4432D1C4FAD017B8FDD68B0409DC5CCDA463E428EE1C8BBD0D0B5707E3B28E0265DC1B8BBBFDF64EB65DD6C0675E7D9DEA44F26024FE606EECD8DF9CC5ECDF9ADF5BC9C29D14257F6F7EA5364D4A7BB457DB05EF4A65B43B1D60B756ACD6779148490427DB09EABD6C7E5EC4AE6FE37A0F4B7E7FE4A6F7BAE510275BABF55A32DD76CBB2E9281E20007D868D01BA3B9E274E6CF56276016199ACF96119A75D9DE20CF7D71BBDEF9B78328D8C326EC80BA8D568A89CC9D8D4061F6E53F6BD64647C3C6D338188FC675F711EADD597FF63CFCA887590FEE1A8DF8C3C354B9A21F5E2BE9801E2B6459C28256B14FF3AAF2BAD4015D6D62A01F4980D519D9D042DEC4314AC13ACFB3B624296AAB26B397D2AE5FA975AEEEDB262815521E67E5D8D0AC5E39D66B13D4AD5E9753230DF5B924CD7289B2D6C52CDCF9BA49F761D296489AE6522D60373AFDE144B667A65216152BD616121F5599ABBCF0A37281AEC3987EADFDCE14F75750224569E047127D333E0DCF0BFCE138641F7C5773D4B7ADD3DED8F6A5385C916A1A2D254A82CF1B9582282D9652D9803463BD27953F0E79C18AF9D6E0EC7362DD4CBA5D767178CFF12ABB5A0F98DA1038FF74682338F274DBEAC29ED785C6F1443E57F0F897330BB3F2CD87AF06AF17014113D813C4A35DCBA755E86A3706F0CAE72970785FEA7DA00F4F59F1A0C0E18612CED99E69240598E46CDB7EB57C081FC2C0CF31AD05247FB5E842ABE319D01ABAA74BB15B631CD152609B23CF9A981EEA3B40EB70855ACE23478316B47ADEC0BEF1348717C02749DBDFD136F55738F6B798B44F25692B0C955167B4F9BFA461B2AA6ED27BA9C856C45FE2E5375E2DED7893BF149CEB7EA3B98095C439E51C47A5600A1D34D10CD630D31F5CF1CAE1F0BB7F960502814020100804028140201008040281402010080482FFC427F89F85D300280000');
CREATE TABLE s3_bucket_settings (
            bucket TEXT NOT NULL, setting TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (bucket, setting)
        ) WITHOUT ROWID;
INSERT INTO "s3_bucket_settings" VALUES('upgraded','policy','"{\"Version\": \"2012-10-17\", \"Statement\": [{\"Effect\": \"Allow\", \"Principal\": \"*\", \"Action\": \"s3:GetObject\", \"Resource\": \"arn:aws:s3:::upgraded/*\"}]}"');
CREATE TABLE s3_buckets (
            name TEXT PRIMARY KEY, created INTEGER NOT NULL, tags TEXT NOT NULL DEFAULT '[]'
        ) WITHOUT ROWID;
INSERT INTO "s3_buckets" VALUES('models',1795921091554,'[]');
INSERT INTO "s3_buckets" VALUES('upgraded',1795921080340,'[{"Key": "team", "Value": "ml"}]');
CREATE TABLE s3_notification_configurations ( bucket TEXT PRIMARY KEY REFERENCES s3_buckets(name) ON DELETE CASCADE, document TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "s3_notification_configurations" VALUES('upgraded','{"QueueConfigurations": [{"Id": "1", "QueueArn": "arn:aws:sqs:us-east-1:111122223333:notified", "Events": ["s3:ObjectRemoved:*"]}]}');
CREATE TABLE s3_notifications ( id INTEGER PRIMARY KEY AUTOINCREMENT, lane TEXT NOT NULL, payload TEXT NOT NULL);
CREATE TABLE s3_notifications_payloads ( first INTEGER PRIMARY KEY, last INTEGER NOT NULL, payload TEXT NOT NULL);
CREATE TABLE s3_objects (
            bucket TEXT NOT NULL, key TEXT NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL,
            modified INTEGER NOT NULL, storage_class TEXT NOT NULL, checksum_algorithm TEXT NOT NULL,
            checksum TEXT NOT NULL, checksum_type TEXT NOT NULL, headers TEXT NOT NULL, tags TEXT NOT NULL,
            body INTEGER, file TEXT, upload TEXT, PRIMARY KEY (bucket, key)
        ) WITHOUT ROWID;
INSERT INTO "s3_objects" VALUES('models','model.tar.gz',7,'fe2dbffd447a970c1a42dac39791f114',1795921091619,'STANDARD','CRC32','prYY3Q==','FULL_OBJECT','{"ContentType": "binary/octet-stream", "ServerSideEncryption": "AES256"}','[]',2,NULL,NULL);
INSERT INTO "s3_objects" VALUES('models','trained/upgraded/output/model.tar.gz',1140,'f7cb14a45877b082e7ba9cbff44bf765',1795921092726,'STANDARD','CRC64NVME','cbGme282rpo=','FULL_OBJECT','{"ContentType": "binary/octet-stream", "ServerSideEncryption": "AES256"}','[]',3,NULL,NULL);
INSERT INTO "s3_objects" VALUES('upgraded','parts.txt',21,'f98b994703daa4bba68b20cd1306c517-1',1795921080773,'STANDARD','CRC64NVME','mo1FJaHvohk=','FULL_OBJECT','{"ContentType": "binary/octet-stream", "ServerSideEncryption": "AES256"}','[]',NULL,NULL,'da7cacc2455948a1820fa951e170e28d20034148b77d4738a8f2794c43734841');
INSERT INTO "s3_objects" VALUES('upgraded','small.txt',5,'eb5c1399a871211c7e7ed732d15e3a8b',1795921080449,'STANDARD','CRC32','dUXqEw==','FULL_OBJECT','{"Metadata": {"made": "by hand"}, "ContentType": "binary/octet-stream", "ServerSideEncryption": "AES256"}','[{"Key": "kind", "Value": "text"}]',1,NULL,NULL);
CREATE TABLE s3_parts (
            upload TEXT NOT NULL, number INTEGER NOT NULL, size INTEGER NOT NULL, md5 BLOB NOT NULL,
            checksum TEXT NOT NULL, file TEXT NOT NULL, modified INTEGER NOT NULL, PRIMARY KEY (upload, number)
        ) WITHOUT ROWID;
INSERT INTO "s3_parts" VALUES('b654e1457cf942a4a29e141dfcd155e51f3ded3343014c1ead6f2eaf4e595545',1,20,X'0A19BB5C09AA0ED94DE9038B5B3B4E8F','Z6KLwnK2KQE=','d0a4d9750c174d4d9ead722205ee6e67',1795921080813);
INSERT INTO "s3_parts" VALUES('da7cacc2455948a1820fa951e170e28d20034148b77d4738a8f2794c43734841',1,21,X'86596873E590CA766F1F1F4963DC70F2','mo1FJaHvohk=','360af77826d14b7e9d475468d183c814',1795921080747);
CREATE TABLE s3_uploads (
            id TEXT PRIMARY KEY, bucket TEXT NOT NULL, key TEXT NOT NULL, initiated INTEGER NOT NULL,
            storage_class TEXT NOT NULL, checksum_algorithm TEXT NOT NULL, checksum_type TEXT NOT NULL,
            chosen INTEGER NOT NULL, headers TEXT NOT NULL, tags TEXT NOT NULL
        ) WITHOUT ROWID;
INSERT INTO "s3_uploads" VALUES('b654e1457cf942a4a29e141dfcd155e51f3ded3343014c1ead6f2eaf4e595545','upgraded','open.txt',1795921080785,'STANDARD','CRC64NVME','FULL_OBJECT',0,'{"ContentType": "binary/octet-stream", "ServerSideEncryption": "AES256"}','[]');
CREATE TABLE sagemaker_resources (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    arn TEXT NOT NULL,
    status TEXT NOT NULL,
    created REAL NOT NULL,
    modified REAL NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (kind, name)
);
INSERT INTO "sagemaker_resources" VALUES('training-job','upgraded','arn:aws:sagemaker:us-east-1:111122223333:training-job/upgraded','Completed',1.79592109181765031814e+09,1.79592109280182051661e+09,'{"HyperParameters": {}, "EnableNetworkIsolation": false, "EnableInterContainerTrafficEncryption": false, "EnableManagedSpotTraining": false, "TrainingJobName": "upgraded", "AlgorithmSpecification": {"EnableSageMakerMetricsTimeSeries": false, "TrainingImage": "111122223333.dkr.ecr.us-east-1.amazonaws.com/test-image:1", "TrainingInputMode": "File", "MetricDefinitions": []}, "RoleArn": "arn:aws:iam::111122223333:role/upgraded", "OutputDataConfig": {"KmsKeyId": "", "CompressionType": "GZIP", "S3OutputPath": "s3://models/trained"}, "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}, "StoppingCondition": {"MaxRuntimeInSeconds": 300}, "TrainingJobArn": "arn:aws:sagemaker:us-east-1:111122223333:training-job/upgraded", "ModelArtifacts": {"S3ModelArtifacts": "s3://models/trained/upgraded/output/model.tar.gz"}, "TrainingJobStatus": "Completed", "CreationTime": 1795921091.8176503, "LastModifiedTime": 1795921092.8018205, "SecondaryStatusTransitions": [{"Status": "Starting", "StartTime": 1795921091.8178113, "StatusMessage": "Starting the training job", "EndTime": 1795921091.8264513}, {"Status": "Downloading", "StartTime": 1795921091.8264513, "StatusMessage": "Downloading input data", "EndTime": 1795921091.8583875}, {"Status": "Training", "StartTime": 1795921091.8583875, "StatusMessage": "Training image download completed. Training in progress.", "EndTime": 1795921092.7069752}, {"Status": "Uploading", "StartTime": 1795921092.7069752, "StatusMessage": "Uploading generated training model", "EndTime": 1795921092.8018205}, {"Status": "Completed", "StartTime": 1795921092.8018205, "StatusMessage": "Training job completed", "EndTime": 1795921092.8018205}], "SecondaryStatus": "Completed", "TrainingStartTime": 1795921091.8264513, "TrainingEndTime": 1795921092.8018205, "TrainingTimeInSeconds": 1, "BillableTimeInSeconds": 1}');
INSERT INTO "sagemaker_resources" VALUES('model','upgraded','arn:aws:sagemaker:us-east-1:111122223333:model/upgraded','',1.79592109291077852255e+09,1.79592109291077852255e+09,'{"EnableNetworkIsolation": false, "ModelName": "upgraded", "PrimaryContainer": {"Image": "111122223333.dkr.ecr.us-east-1.amazonaws.com/test-image:1", "ModelDataUrl": "s3://models/model.tar.gz", "Mode": "SingleModel"}, "ExecutionRoleArn": "arn:aws:iam::111122223333:role/upgraded", "ModelArn": "arn:aws:sagemaker:us-east-1:111122223333:model/upgraded", "CreationTime": 1795921092.9107785}');
INSERT INTO "sagemaker_resources" VALUES('endpoint-config','upgraded','arn:aws:sagemaker:us-east-1:111122223333:endpoint-config/upgraded','',1.79592109294335150722e+09,1.79592109294335150722e+09,'{"EnableNetworkIsolation": false, "EndpointConfigName": "upgraded", "ProductionVariants": [{"VariantName": "all", "ModelName": "upgraded", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large", "InitialVariantWeight": 1.0}], "DataCaptureConfig": {"EnableCapture": true, "InitialSamplingPercentage": 100, "DestinationS3Uri": "s3://models/captures", "CaptureOptions": [{"CaptureMode": "Input"}]}, "EndpointConfigArn": "arn:aws:sagemaker:us-east-1:111122223333:endpoint-config/upgraded", "CreationTime": 1795921092.9433515}');
INSERT INTO "sagemaker_resources" VALUES('model-package-group','upgraded','arn:aws:sagemaker:us-east-1:111122223333:model-package-group/upgraded','Completed',1.79592109297602748867e+09,1.79592109297602748867e+09,'{"ModelPackageGroupName": "upgraded", "ModelPackageGroupDescription": "kept", "ModelPackageGroupArn": "arn:aws:sagemaker:us-east-1:111122223333:model-package-group/upgraded", "ModelPackageGroupStatus": "Completed", "CreationTime": 1795921092.9760275, "CreatedBy": {"IamIdentity": {"Arn": "arn:aws:iam::111122223333:root", "PrincipalId": "111122223333"}}, "LatestVersion": 1}');
INSERT INTO "sagemaker_resources" VALUES('model-package','upgraded/1','arn:aws:sagemaker:us-east-1:111122223333:model-package/upgraded/1','Completed',1.79592109301756405834e+09,1.79592109301756405834e+09,'{"CertifyForMarketplace": false, "ModelPackageGroupName": "upgraded", "InferenceSpecification": {"Containers": [{"Image": "111122223333.dkr.ecr.us-east-1.amazonaws.com/test-image:1", "ModelDataUrl": "s3://models/model.tar.gz"}], "SupportedContentTypes": ["text/csv"], "SupportedResponseMIMETypes": ["text/csv"]}, "ModelApprovalStatus": "Approved", "ClientToken": "4ccc8a34-af62-401a-842b-526499d0e57c", "ModelPackageVersion": 1, "ModelPackageArn": "arn:aws:sagemaker:us-east-1:111122223333:model-package/upgraded/1", "CreationTime": 1795921093.017564, "CreatedBy": {"IamIdentity": {"Arn": "arn:aws:iam::111122223333:root", "PrincipalId": "111122223333"}}, "ModelPackageStatus": "Completed", "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []}}');
INSERT INTO "sagemaker_resources" VALUES('domain','d-jh8nq2b6wg0m','arn:aws:sagemaker:us-east-1:111122223333:domain/d-jh8nq2b6wg0m','InService',1.79592109304420304298e+09,1.79592109304420304298e+09,'{"AppNetworkAccessType": "PublicInternetOnly", "TagPropagation": "DISABLED", "DomainName": "upgraded", "AuthMode": "IAM", "DefaultUserSettings": {"ExecutionRole": "arn:aws:iam::111122223333:role/upgraded"}, "DomainId": "d-jh8nq2b6wg0m", "DomainArn": "arn:aws:sagemaker:us-east-1:111122223333:domain/d-jh8nq2b6wg0m", "Url": "https://d-jh8nq2b6wg0m.studio.us-east-1.sagemaker.aws", "Status": "InService", "CreationTime": 1795921093.044203, "LastModifiedTime": 1795921093.044203}');
INSERT INTO "sagemaker_resources" VALUES('user-profile','d-jh8nq2b6wg0m/ana','arn:aws:sagemaker:us-east-1:111122223333:user-profile/d-jh8nq2b6wg0m/ana','InService',1.79592109308687067036e+09,1.79592109308687067036e+09,'{"DomainId": "d-jh8nq2b6wg0m", "UserProfileName": "ana", "UserProfileArn": "arn:aws:sagemaker:us-east-1:111122223333:user-profile/d-jh8nq2b6wg0m/ana", "Status": "InService", "CreationTime": 1795921093.0868707, "LastModifiedTime": 1795921093.0868707}');
CREATE TABLE sagemaker_tags (
    arn TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (arn, key)
);
INSERT INTO "sagemaker_tags" VALUES('arn:aws:sagemaker:us-east-1:111122223333:training-job/upgraded','team','ml');
INSERT INTO "sagemaker_tags" VALUES('arn:aws:sagemaker:us-east-1:111122223333:model/upgraded','team','ml');
CREATE TABLE sfn_activities (
    arn TEXT PRIMARY KEY, name TEXT NOT NULL, created REAL NOT NULL, encryption TEXT NOT NULL
);
INSERT INTO "sfn_activities" VALUES('arn:aws:states:us-east-1:111122223333:activity:kept','kept',1.79592109062129879001e+09,'{"type": "AWS_OWNED_KEY"}');
CREATE TABLE sfn_aliases (
    arn TEXT PRIMARY KEY, machine TEXT NOT NULL, name TEXT NOT NULL, description TEXT, routing TEXT NOT NULL,
    created REAL NOT NULL, updated REAL NOT NULL
);
INSERT INTO "sfn_aliases" VALUES('arn:aws:states:us-east-1:111122223333:stateMachine:finished:live','arn:aws:states:us-east-1:111122223333:stateMachine:finished','live',NULL,'[{"stateMachineVersionArn": "arn:aws:states:us-east-1:111122223333:stateMachine:finished:1", "weight": 100}]',1.7959210868595077992e+09,1.7959210868595077992e+09);
INSERT INTO "sfn_aliases" VALUES('arn:aws:states:us-east-1:111122223333:stateMachine:mapped:live','arn:aws:states:us-east-1:111122223333:stateMachine:mapped','live',NULL,'[{"stateMachineVersionArn": "arn:aws:states:us-east-1:111122223333:stateMachine:mapped:1", "weight": 100}]',1.79592108749534249299e+09,1.79592108749534249299e+09);
INSERT INTO "sfn_aliases" VALUES('arn:aws:states:us-east-1:111122223333:stateMachine:failed:live','arn:aws:states:us-east-1:111122223333:stateMachine:failed','live',NULL,'[{"stateMachineVersionArn": "arn:aws:states:us-east-1:111122223333:stateMachine:failed:1", "weight": 100}]',1.79592108790612316128e+09,1.79592108790612316128e+09);
INSERT INTO "sfn_aliases" VALUES('arn:aws:states:us-east-1:111122223333:stateMachine:waiting:live','arn:aws:states:us-east-1:111122223333:stateMachine:waiting','live',NULL,'[{"stateMachineVersionArn": "arn:aws:states:us-east-1:111122223333:stateMachine:waiting:1", "weight": 100}]',1.7959210903504719734e+09,1.7959210903504719734e+09);
CREATE TABLE sfn_events (
    execution INTEGER NOT NULL, id INTEGER NOT NULL, previous INTEGER NOT NULL, type TEXT NOT NULL, at REAL NOT NULL,
    details TEXT, scope TEXT NOT NULL, PRIMARY KEY (execution, id)
);
INSERT INTO "sfn_events" VALUES(1,1,0,'ExecutionStarted',1.79592108688707828524e+09,'{"input":"{\"a\": 1}","inputDetails":{"truncated":false},"roleArn":"arn:aws:iam::111122223333:role/upgraded","stateMachineVersionArn":"arn:aws:states:us-east-1:111122223333:stateMachine:finished:1","stateMachineAliasArn":"arn:aws:states:us-east-1:111122223333:stateMachine:finished:live"}','');
INSERT INTO "sfn_events" VALUES(1,2,0,'TaskStateEntered',1.79592108688764977462e+09,'{"name":"Only","input":"{\"a\": 1}","inputDetails":{"truncated":false}}','');
INSERT INTO "sfn_events" VALUES(1,3,2,'LambdaFunctionScheduled',1.79592108688784646989e+09,'{"input":"{\"a\": 1}","inputDetails":{"truncated":false},"resource":"arn:aws:lambda:us-east-1:111122223333:function:upgraded"}','');
INSERT INTO "sfn_events" VALUES(1,4,3,'LambdaFunctionStarted',1.79592108688787245747e+09,NULL,'');
INSERT INTO "sfn_events" VALUES(1,5,4,'LambdaFunctionSucceeded',1.79592108706916975973e+09,'{"output":"{\"echo\":{\"a\":1}}","outputDetails":{"truncated":false}}','');
INSERT INTO "sfn_events" VALUES(1,6,5,'TaskStateExited',1.79592108706943488121e+09,'{"name":"Only","output":"{\"echo\":{\"a\":1}}","outputDetails":{"truncated":false}}','');
INSERT INTO "sfn_events" VALUES(1,7,6,'ExecutionSucceeded',1.79592108706949710843e+09,'{"output":"{\"echo\":{\"a\":1}}","outputDetails":{"truncated":false}}','');
INSERT INTO "sfn_events" VALUES(2,1,0,'ExecutionStarted',1.79592108750232434268e+09,'{"input":"[1, 2]","inputDetails":{"truncated":false},"roleArn":"arn:aws:iam::111122223333:role/upgraded","stateMachineVersionArn":"arn:aws:states:us-east-1:111122223333:stateMachine:mapped:1","stateMachineAliasArn":"arn:aws:states:us-east-1:111122223333:stateMachine:mapped:live"}','');
INSERT INTO "sfn_events" VALUES(2,2,0,'MapStateEntered',1.79592108750286030775e+09,'{"name":"Only","input":"[1, 2]","inputDetails":{"truncated":false}}','');
INSERT INTO "sfn_events" VALUES(2,3,2,'MapStateStarted',1.79592108750306391718e+09,'{"length":2}','');
INSERT INTO "sfn_events" VALUES(2,4,3,'MapRunStarted',1.79592108750338506698e+09,'{"mapRunArn":"arn:aws:states:us-east-1:111122223333:mapRun:mapped/5d6cf855-dddd-5860-8a75-fbe32b311231:0ca9009e-9710-4c6a-be00-e994509e32aa"}','');
INSERT INTO "sfn_events" VALUES(3,1,0,'ExecutionStarted',1.79592108750778603554e+09,'{"input":"1","inputDetails":{"truncated":false},"roleArn":"arn:aws:iam::111122223333:role/upgraded"}','');
INSERT INTO "sfn_events" VALUES(4,1,0,'ExecutionStarted',1.79592108750794577599e+09,'{"input":"2","inputDetails":{"truncated":false},"roleArn":"arn:aws:iam::111122223333:role/upgraded"}','');
INSERT INTO "sfn_events" VALUES(3,2,0,'PassStateEntered',1.79592108750825762749e+09,'{"name":"Each","input":"1","inputDetails":{"truncated":false}}','');
INSERT INTO "sfn_events" VALUES(3,3,2,'PassStateExited',1.79592108750839734082e+09,'{"name":"Each","output":"1","outputDetails":{"truncated":false}}','');
INSERT INTO "sfn_events" VALUES(3,4,3,'ExecutionSucceeded',1.79592108750842642788e+09,'{"output":"1","outputDetails":{"truncated":false}}','');
INSERT INTO "sfn_events" VALUES(4,2,0,'PassStateEntered',1.79592108750855398175e+09,'{"name":"Each","input":"2","inputDetails":{"truncated":false}}','');
INSERT INTO "sfn_events" VALUES(4,3,2,'PassStateExited',1.79592108750863528252e+09,'{"name":"Each","output":"2","outputDetails":{"truncated":false}}','');
INSERT INTO "sfn_events" VALUES(4,4,3,'ExecutionSucceeded',1.79592108750865912434e+09,'{"output":"2","outputDetails":{"truncated":false}}','');
INSERT INTO "sfn_events" VALUES(2,5,4,'MapRunSucceeded',1.79592108751170158385e+09,NULL,'');
INSERT INTO "sfn_events" VALUES(2,6,5,'MapStateSucceeded',1.7959210875117168427e+09,NULL,'');
INSERT INTO "sfn_events" VALUES(2,7,4,'MapStateExited',1.79592108751180958752e+09,'{"name":"Only","output":"[1,2]","outputDetails":{"truncated":false}}','');
INSERT INTO "sfn_events" VALUES(2,8,7,'ExecutionSucceeded',1.79592108751185035708e+09,'{"output":"[1,2]","outputDetails":{"truncated":false}}','');
INSERT INTO "sfn_events" VALUES(5,1,0,'ExecutionStarted',1.79592108791577029225e+09,'{"input":"{}","inputDetails":{"truncated":false},"roleArn":"arn:aws:iam::111122223333:role/upgraded","stateMachineVersionArn":"arn:aws:states:us-east-1:111122223333:stateMachine:failed:1","stateMachineAliasArn":"arn:aws:states:us-east-1:111122223333:stateMachine:failed:live"}','');
INSERT INTO "sfn_events" VALUES(5,2,0,'TaskStateEntered',1.79592108791806721684e+09,'{"name":"Only","input":"{}","inputDetails":{"truncated":false}}','');
INSERT INTO "sfn_events" VALUES(5,3,2,'LambdaFunctionScheduled',1.7959210879182238579e+09,'{"input":"{}","inputDetails":{"truncated":false},"resource":"arn:aws:lambda:us-east-1:111122223333:function:upgraded-none"}','');
INSERT INTO "sfn_events" VALUES(5,4,3,'LambdaFunctionStarted',1.79592108791824483877e+09,NULL,'');
INSERT INTO "sfn_events" VALUES(5,5,4,'LambdaFunctionFailed',1.79592108792170548434e+09,'{"error":"Lambda.ResourceNotFoundException","cause":"Function not found: arn:aws:lambda:us-east-1:111122223333:function:upgraded-none (Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: 30b32637-10f5-47e3-9714-26579bac992e; Proxy: null)"}','');
INSERT INTO "sfn_events" VALUES(5,6,5,'LambdaFunctionScheduled',1.79592108892349696163e+09,'{"input":"{}","inputDetails":{"truncated":false},"resource":"arn:aws:lambda:us-east-1:111122223333:function:upgraded-none"}','');
INSERT INTO "sfn_events" VALUES(5,7,6,'LambdaFunctionStarted',1.79592108892353940008e+09,NULL,'');
INSERT INTO "sfn_events" VALUES(5,8,7,'LambdaFunctionFailed',1.79592108892388224597e+09,'{"error":"Lambda.ResourceNotFoundException","cause":"Function not found: arn:aws:lambda:us-east-1:111122223333:function:upgraded-none (Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: 25d940ca-2467-4a47-ad2c-1fd1ee3fc955; Proxy: null)"}','');
INSERT INTO "sfn_events" VALUES(5,9,8,'ExecutionFailed',1.79592108892396712304e+09,'{"error":"Lambda.ResourceNotFoundException","cause":"Function not found: arn:aws:lambda:us-east-1:111122223333:function:upgraded-none (Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: 25d940ca-2467-4a47-ad2c-1fd1ee3fc955; Proxy: null)"}','');
INSERT INTO "sfn_events" VALUES(5,10,9,'ExecutionRedriven',1.79592108896607518197e+09,'{"redriveCount":1}','');
INSERT INTO "sfn_events" VALUES(5,11,10,'LambdaFunctionScheduled',1.79592108896999597547e+09,'{"input":"{}","inputDetails":{"truncated":false},"resource":"arn:aws:lambda:us-east-1:111122223333:function:upgraded-none"}','');
INSERT INTO "sfn_events" VALUES(5,12,11,'LambdaFunctionStarted',1.79592108897003388404e+09,NULL,'');
INSERT INTO "sfn_events" VALUES(5,13,12,'LambdaFunctionFailed',1.79592108897348022456e+09,'{"error":"Lambda.ResourceNotFoundException","cause":"Function not found: arn:aws:lambda:us-east-1:111122223333:function:upgraded-none (Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: 2aa00ce5-23cd-4f02-9afe-0d7ddb5bb595; Proxy: null)"}','');
INSERT INTO "sfn_events" VALUES(5,14,13,'LambdaFunctionScheduled',1.79592108998234796521e+09,'{"input":"{}","inputDetails":{"truncated":false},"resource":"arn:aws:lambda:us-east-1:111122223333:function:upgraded-none"}','');
INSERT INTO "sfn_events" VALUES(5,15,14,'LambdaFunctionStarted',1.79592108998238968848e+09,NULL,'');
INSERT INTO "sfn_events" VALUES(5,16,15,'LambdaFunctionFailed',1.79592108998270821567e+09,'{"error":"Lambda.ResourceNotFoundException","cause":"Function not found: arn:aws:lambda:us-east-1:111122223333:function:upgraded-none (Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: 255a604e-ea47-4502-b40b-d01e136bbde8; Proxy: null)"}','');
INSERT INTO "sfn_events" VALUES(5,17,16,'ExecutionFailed',1.79592108998278713227e+09,'{"error":"Lambda.ResourceNotFoundException","cause":"Function not found: arn:aws:lambda:us-east-1:111122223333:function:upgraded-none (Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: 255a604e-ea47-4502-b40b-d01e136bbde8; Proxy: null)"}','');
INSERT INTO "sfn_events" VALUES(6,1,0,'ExecutionStarted',1.79592109038431048395e+09,'{"input":"{}","inputDetails":{"truncated":false},"roleArn":"arn:aws:iam::111122223333:role/upgraded","stateMachineVersionArn":"arn:aws:states:us-east-1:111122223333:stateMachine:waiting:1","stateMachineAliasArn":"arn:aws:states:us-east-1:111122223333:stateMachine:waiting:live"}','');
INSERT INTO "sfn_events" VALUES(6,2,0,'TaskStateEntered',1.79592109038546442981e+09,'{"name":"Only","input":"{}","inputDetails":{"truncated":false}}','');
INSERT INTO "sfn_events" VALUES(6,3,2,'TaskScheduled',1.79592109038572764396e+09,'{"parameters":"{\"MessageBody\":{\"token\":\"AQCEAAAAKgAAAAMAAAAAS-drOH_H_Nn4TMwzG4shrSOW0uNskUtwT-FqptzNM5E1mtzAsa2EVLmzDyAwg9LvH9-Hq8rex4Ypv6m4_Kn3EIMgPY2G9y_Q-LilC78IqL6mLqlAdrEy4ApOYgODEFqa\"},\"QueueUrl\":\"http://127.0.0.1:4566/111122223333/tokens\"}","region":"us-east-1","resource":"sendMessage.waitForTaskToken","resourceType":"sqs"}','');
INSERT INTO "sfn_events" VALUES(6,4,3,'TaskStarted',1.7959210903857469559e+09,'{"resource":"sendMessage.waitForTaskToken","resourceType":"sqs"}','');
INSERT INTO "sfn_events" VALUES(6,5,4,'TaskSubmitted',1.79592109041384029389e+09,'{"output":"{\"MD5OfMessageBody\":\"596f55a8371dc4463db84e1808e564f6\",\"MessageId\":\"f2ec945e-17d5-471f-8a77-b2d265eae13c\",\"SdkHttpMetadata\":{\"AllHttpHeaders\":{\"x-amzn-RequestId\":[\"cb0975bc-d8c6-4981-8371-669f0919ac7a\"],\"connection\":[\"keep-alive\"],\"Content-Length\":[\"106\"],\"Date\":[\"Sun, 29 Nov 2026 02:58:10 GMT\"],\"Content-Type\":[\"application/x-amz-json-1.0\"]},\"HttpHeaders\":{\"connection\":\"keep-alive\",\"Content-Length\":\"106\",\"Content-Type\":\"application/x-amz-json-1.0\",\"Date\":\"Sun, 29 Nov 2026 02:58:10 GMT\",\"x-amzn-RequestId\":\"cb0975bc-d8c6-4981-8371-669f0919ac7a\"},\"HttpStatusCode\":200},\"SdkResponseMetadata\":{\"RequestId\":\"cb0975bc-d8c6-4981-8371-669f0919ac7a\"}}","outputDetails":{"truncated":false},"resource":"sendMessage.waitForTaskToken","resourceType":"sqs"}','');
CREATE TABLE sfn_executions (
    id INTEGER PRIMARY KEY, arn TEXT NOT NULL UNIQUE, name TEXT NOT NULL, machine TEXT NOT NULL, version TEXT,
    revision TEXT NOT NULL, status TEXT NOT NULL, input TEXT NOT NULL, output TEXT, error TEXT, cause TEXT,
    trace TEXT, started REAL NOT NULL, stopped REAL, alias TEXT
);
INSERT INTO "sfn_executions" VALUES(1,'arn:aws:states:us-east-1:111122223333:execution:finished:one','one','arn:aws:states:us-east-1:111122223333:stateMachine:finished','arn:aws:states:us-east-1:111122223333:stateMachine:finished:1','d9b42664-f6f2-42b0-95db-e40a0bef9144','SUCCEEDED','{"a": 1}','{"echo":{"a":1}}',NULL,NULL,NULL,1.79592108688698363309e+09,1.79592108706949710843e+09,'arn:aws:states:us-east-1:111122223333:stateMachine:finished:live');
INSERT INTO "sfn_executions" VALUES(2,'arn:aws:states:us-east-1:111122223333:execution:mapped:one','one','arn:aws:states:us-east-1:111122223333:stateMachine:mapped','arn:aws:states:us-east-1:111122223333:stateMachine:mapped:1','2fcdbc91-3aa3-4a0f-86ee-601975f4a91b','SUCCEEDED','[1, 2]','[1,2]',NULL,NULL,NULL,1.79592108750225424771e+09,1.79592108751185035708e+09,'arn:aws:states:us-east-1:111122223333:stateMachine:mapped:live');
INSERT INTO "sfn_executions" VALUES(3,'arn:aws:states:us-east-1:111122223333:execution:mapped/5d6cf855-dddd-5860-8a75-fbe32b311231:4ef364c3-a416-4883-997c-3c9ffc5c489c','4ef364c3-a416-4883-997c-3c9ffc5c489c','arn:aws:states:us-east-1:111122223333:stateMachine:mapped/5d6cf855-dddd-5860-8a75-fbe32b311231',NULL,'2fcdbc91-3aa3-4a0f-86ee-601975f4a91b','SUCCEEDED','1','1',NULL,NULL,NULL,1.79592108750774478911e+09,1.79592108750842642788e+09,NULL);
INSERT INTO "sfn_executions" VALUES(4,'arn:aws:states:us-east-1:111122223333:execution:mapped/5d6cf855-dddd-5860-8a75-fbe32b311231:3a5b2ddd-034e-4d5b-8df5-abb4c6b13f26','3a5b2ddd-034e-4d5b-8df5-abb4c6b13f26','arn:aws:states:us-east-1:111122223333:stateMachine:mapped/5d6cf855-dddd-5860-8a75-fbe32b311231',NULL,'2fcdbc91-3aa3-4a0f-86ee-601975f4a91b','SUCCEEDED','2','2',NULL,NULL,NULL,1.79592108750792717932e+09,1.79592108750865912434e+09,NULL);
INSERT INTO "sfn_executions" VALUES(5,'arn:aws:states:us-east-1:111122223333:execution:failed:one','one','arn:aws:states:us-east-1:111122223333:stateMachine:failed','arn:aws:states:us-east-1:111122223333:stateMachine:failed:1','0fd95037-35b1-475a-9068-d673ed1a7b21','FAILED','{}',NULL,'Lambda.ResourceNotFoundException','Function not found: arn:aws:lambda:us-east-1:111122223333:function:upgraded-none (Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: 255a604e-ea47-4502-b40b-d01e136bbde8; Proxy: null)',NULL,1.79592108791571331027e+09,1.79592108998278713227e+09,'arn:aws:states:us-east-1:111122223333:stateMachine:failed:live');
INSERT INTO "sfn_executions" VALUES(6,'arn:aws:states:us-east-1:111122223333:execution:waiting:one','one','arn:aws:states:us-east-1:111122223333:stateMachine:waiting','arn:aws:states:us-east-1:111122223333:stateMachine:waiting:1','9f43e0bd-be30-4bbc-bb3d-20470c710061','RUNNING','{}',NULL,NULL,NULL,NULL,1.79592109038424324989e+09,NULL,'arn:aws:states:us-east-1:111122223333:stateMachine:waiting:live');
CREATE TABLE sfn_failed_attempts (
    execution INTEGER NOT NULL, entered INTEGER NOT NULL, last INTEGER NOT NULL, at REAL NOT NULL,
    error TEXT, cause TEXT, fatal INTEGER NOT NULL
);
INSERT INTO "sfn_failed_attempts" VALUES(5,2,5,1.79592108792175698278e+09,'Lambda.ResourceNotFoundException','Function not found: arn:aws:lambda:us-east-1:111122223333:function:upgraded-none (Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: 30b32637-10f5-47e3-9714-26579bac992e; Proxy: null)',0);
INSERT INTO "sfn_failed_attempts" VALUES(5,2,8,1.79592108892391514782e+09,'Lambda.ResourceNotFoundException','Function not found: arn:aws:lambda:us-east-1:111122223333:function:upgraded-none (Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: 25d940ca-2467-4a47-ad2c-1fd1ee3fc955; Proxy: null)',0);
INSERT INTO "sfn_failed_attempts" VALUES(5,2,13,1.79592108897357630734e+09,'Lambda.ResourceNotFoundException','Function not found: arn:aws:lambda:us-east-1:111122223333:function:upgraded-none (Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: 2aa00ce5-23cd-4f02-9afe-0d7ddb5bb595; Proxy: null)',0);
INSERT INTO "sfn_failed_attempts" VALUES(5,2,16,1.79592108998274326329e+09,'Lambda.ResourceNotFoundException','Function not found: arn:aws:lambda:us-east-1:111122223333:function:upgraded-none (Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: 255a604e-ea47-4502-b40b-d01e136bbde8; Proxy: null)',0);
CREATE TABLE sfn_machines (
    arn TEXT PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL, created REAL NOT NULL,
    revision TEXT NOT NULL, versions INTEGER NOT NULL DEFAULT 0
);
INSERT INTO "sfn_machines" VALUES('arn:aws:states:us-east-1:111122223333:stateMachine:finished','finished','STANDARD',1.79592108680982661251e+09,'d9b42664-f6f2-42b0-95db-e40a0bef9144',1);
INSERT INTO "sfn_machines" VALUES('arn:aws:states:us-east-1:111122223333:stateMachine:mapped','mapped','STANDARD',1.79592108747659873961e+09,'2fcdbc91-3aa3-4a0f-86ee-601975f4a91b',1);
INSERT INTO "sfn_machines" VALUES('arn:aws:states:us-east-1:111122223333:stateMachine:failed','failed','STANDARD',1.79592108787618231777e+09,'0fd95037-35b1-475a-9068-d673ed1a7b21',1);
INSERT INTO "sfn_machines" VALUES('arn:aws:states:us-east-1:111122223333:stateMachine:waiting','waiting','STANDARD',1.79592109030279231066e+09,'9f43e0bd-be30-4bbc-bb3d-20470c710061',1);
CREATE TABLE sfn_map_children (
    map_run INTEGER NOT NULL, number INTEGER NOT NULL, items INTEGER NOT NULL, status TEXT NOT NULL,
    input TEXT, execution INTEGER, PRIMARY KEY (map_run, number)
);
INSERT INTO "sfn_map_children" VALUES(1,0,1,'SUCCEEDED',NULL,3);
INSERT INTO "sfn_map_children" VALUES(1,1,1,'SUCCEEDED',NULL,4);
CREATE TABLE sfn_map_runs (
    id INTEGER PRIMARY KEY, arn TEXT NOT NULL UNIQUE, execution TEXT NOT NULL, machine TEXT NOT NULL,
    status TEXT NOT NULL, started REAL NOT NULL, stopped REAL, max_concurrency INTEGER NOT NULL,
    tolerated_count INTEGER, tolerated_percentage REAL, ready INTEGER NOT NULL DEFAULT 0,
    redrives INTEGER NOT NULL DEFAULT 0, redriven REAL
);
INSERT INTO "sfn_map_runs" VALUES(1,'arn:aws:states:us-east-1:111122223333:mapRun:mapped/5d6cf855-dddd-5860-8a75-fbe32b311231:0ca9009e-9710-4c6a-be00-e994509e32aa','arn:aws:states:us-east-1:111122223333:execution:mapped:one','arn:aws:states:us-east-1:111122223333:stateMachine:mapped/5d6cf855-dddd-5860-8a75-fbe32b311231','SUCCEEDED',1.79592108750334548952e+09,1.79592108751169085502e+09,0,NULL,NULL,1,0,NULL);
CREATE TABLE sfn_redrives (
    execution INTEGER NOT NULL, number INTEGER NOT NULL, at REAL NOT NULL, token TEXT, PRIMARY KEY (execution, number)
);
INSERT INTO "sfn_redrives" VALUES(5,1,1.79592108896605706213e+09,'fbac121a-8f2e-4397-b724-ca9a97fd9da8');
CREATE TABLE sfn_revisions (
    id TEXT PRIMARY KEY, machine TEXT NOT NULL, initial INTEGER NOT NULL, definition TEXT NOT NULL,
    role TEXT NOT NULL, logging TEXT NOT NULL, tracing TEXT NOT NULL, encryption TEXT, updated REAL NOT NULL
);
INSERT INTO "sfn_revisions" VALUES('d9b42664-f6f2-42b0-95db-e40a0bef9144','arn:aws:states:us-east-1:111122223333:stateMachine:finished',1,'{"StartAt": "Only", "States": {"Only": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:111122223333:function:upgraded", "End": true}}}','arn:aws:iam::111122223333:role/upgraded','{"includeExecutionData": false, "level": "OFF"}','{"enabled": false}',NULL,1.79592108680982661251e+09);
INSERT INTO "sfn_revisions" VALUES('2fcdbc91-3aa3-4a0f-86ee-601975f4a91b','arn:aws:states:us-east-1:111122223333:stateMachine:mapped',1,'{"StartAt": "Only", "States": {"Only": {"Type": "Map", "End": true, "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "StartAt": "Each", "States": {"Each": {"Type": "Pass", "End": true}}}}}}','arn:aws:iam::111122223333:role/upgraded','{"includeExecutionData": false, "level": "OFF"}','{"enabled": false}',NULL,1.79592108747659873961e+09);
INSERT INTO "sfn_revisions" VALUES('0fd95037-35b1-475a-9068-d673ed1a7b21','arn:aws:states:us-east-1:111122223333:stateMachine:failed',1,'{"StartAt": "Only", "States": {"Only": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:111122223333:function:upgraded-none", "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 1}], "End": true}}}','arn:aws:iam::111122223333:role/upgraded','{"includeExecutionData": false, "level": "OFF"}','{"enabled": false}',NULL,1.79592108787618231777e+09);
INSERT INTO "sfn_revisions" VALUES('9f43e0bd-be30-4bbc-bb3d-20470c710061','arn:aws:states:us-east-1:111122223333:stateMachine:waiting',1,'{"StartAt": "Only", "States": {"Only": {"Type": "Task", "End": true, "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "Parameters": {"MessageBody": {"token.$": "$$.Task.Token"}, "QueueUrl": "http://127.0.0.1:4566/111122223333/tokens"}}}}','arn:aws:iam::111122223333:role/upgraded','{"includeExecutionData": false, "level": "OFF"}','{"enabled": false}',NULL,1.79592109030279231066e+09);
CREATE TABLE sfn_tags (
    arn TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (arn, key)
);
INSERT INTO "sfn_tags" VALUES('arn:aws:states:us-east-1:111122223333:stateMachine:finished','team','ml');
INSERT INTO "sfn_tags" VALUES('arn:aws:states:us-east-1:111122223333:stateMachine:mapped','team','ml');
INSERT INTO "sfn_tags" VALUES('arn:aws:states:us-east-1:111122223333:stateMachine:failed','team','ml');
INSERT INTO "sfn_tags" VALUES('arn:aws:states:us-east-1:111122223333:stateMachine:waiting','team','ml');
CREATE TABLE sfn_tokens (
    token TEXT PRIMARY KEY, execution TEXT NOT NULL, scheduled INTEGER NOT NULL, answer TEXT
);
INSERT INTO "sfn_tokens" VALUES('AQCEAAAAKgAAAAMAAAAAS-drOH_H_Nn4TMwzG4shrSOW0uNskUtwT-FqptzNM5E1mtzAsa2EVLmzDyAwg9LvH9-Hq8rex4Ypv6m4_Kn3EIMgPY2G9y_Q-LilC78IqL6mLqlAdrEy4ApOYgODEFqa','arn:aws:states:us-east-1:111122223333:execution:waiting:one',3,NULL);
CREATE TABLE sfn_versions (
    arn TEXT PRIMARY KEY, machine TEXT NOT NULL, number INTEGER NOT NULL, revision TEXT NOT NULL,
    description TEXT, created REAL NOT NULL
);
INSERT INTO "sfn_versions" VALUES('arn:aws:states:us-east-1:111122223333:stateMachine:finished:1','arn:aws:states:us-east-1:111122223333:stateMachine:finished',1,'d9b42664-f6f2-42b0-95db-e40a0bef9144',NULL,1.79592108683929419519e+09);
INSERT INTO "sfn_versions" VALUES('arn:aws:states:us-east-1:111122223333:stateMachine:mapped:1','arn:aws:states:us-east-1:111122223333:stateMachine:mapped',1,'2fcdbc91-3aa3-4a0f-86ee-601975f4a91b',NULL,1.79592108749050641063e+09);
INSERT INTO "sfn_versions" VALUES('arn:aws:states:us-east-1:111122223333:stateMachine:failed:1','arn:aws:states:us-east-1:111122223333:stateMachine:failed',1,'0fd95037-35b1-475a-9068-d673ed1a7b21',NULL,1.79592108788995671268e+09);
INSERT INTO "sfn_versions" VALUES('arn:aws:states:us-east-1:111122223333:stateMachine:waiting:1','arn:aws:states:us-east-1:111122223333:stateMachine:waiting',1,'9f43e0bd-be30-4bbc-bb3d-20470c710061',NULL,1.79592109032591414454e+09);
CREATE TABLE sns_deduplications (
        topic TEXT NOT NULL REFERENCES sns_topics(arn) ON DELETE CASCADE, scope TEXT NOT NULL, id TEXT NOT NULL,
        message_id TEXT NOT NULL, number INTEGER NOT NULL, sent REAL NOT NULL, PRIMARY KEY (topic, scope, id)
    ) WITHOUT ROWID
;
INSERT INTO "sns_deduplications" VALUES('arn:aws:sns:us-east-1:111122223333:upgraded.fifo','','d','d744e562-d4d3-453e-8a88-fb068af835a8',1,1.7959210798628931046e+09);
CREATE TABLE sns_deliveries ( id INTEGER PRIMARY KEY AUTOINCREMENT, lane TEXT NOT NULL, payload TEXT NOT NULL);
CREATE TABLE sns_deliveries_payloads ( first INTEGER PRIMARY KEY, last INTEGER NOT NULL, payload TEXT NOT NULL);
CREATE TABLE sns_subscriptions (
        arn TEXT PRIMARY KEY, topic TEXT NOT NULL REFERENCES sns_topics(arn) ON DELETE CASCADE, protocol TEXT NOT NULL,
        endpoint TEXT NOT NULL, attributes TEXT NOT NULL, pending INTEGER NOT NULL, created REAL NOT NULL,
        UNIQUE (topic, protocol, endpoint)
    ) WITHOUT ROWID;
INSERT INTO "sns_subscriptions" VALUES('arn:aws:sns:us-east-1:111122223333:upgraded:50eff17f-4ba5-4a93-8025-c2fcee576b10','arn:aws:sns:us-east-1:111122223333:upgraded','sqs','arn:aws:sqs:us-east-1:111122223333:upgraded','{"RawMessageDelivery": "true", "FilterPolicy": "{\"kind\": [\"kept\"]}"}',0,1.79592107983485722542e+09);
CREATE TABLE sns_topics (
        arn TEXT PRIMARY KEY, attributes TEXT NOT NULL, tags TEXT NOT NULL, created REAL NOT NULL,
        deleted_subscriptions INTEGER NOT NULL DEFAULT 0, sequence INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID;
INSERT INTO "sns_topics" VALUES('arn:aws:sns:us-east-1:111122223333:upgraded','{}','{"team": "ml"}',1.79592107980094933513e+09,0,0);
INSERT INTO "sns_topics" VALUES('arn:aws:sns:us-east-1:111122223333:upgraded.fifo','{"FifoTopic": "true"}','{}',1.79592107985021400451e+09,0,1);
CREATE TABLE sqs_deduplications (
        queue INTEGER NOT NULL REFERENCES sqs_queues(id) ON DELETE CASCADE, scope TEXT NOT NULL, id TEXT NOT NULL,
        message_id TEXT NOT NULL, number INTEGER NOT NULL, sent INTEGER NOT NULL, PRIMARY KEY (queue, scope, id)
    ) WITHOUT ROWID;
INSERT INTO "sqs_deduplications" VALUES(4,'','0','4344741e-3e22-401f-b5c3-cf176cdf38d6',2,1795921079653);
INSERT INTO "sqs_deduplications" VALUES(4,'','1','e7a527de-bd96-4035-bf79-6a7f56b7a65e',3,1795921079669);
CREATE TABLE sqs_messages (
        id INTEGER PRIMARY KEY AUTOINCREMENT, queue INTEGER NOT NULL REFERENCES sqs_queues(id) ON DELETE CASCADE,
        fifo INTEGER NOT NULL, message_id TEXT NOT NULL, body TEXT NOT NULL, md5 TEXT NOT NULL,
        attributes TEXT NOT NULL, sender TEXT NOT NULL, trace TEXT, group_id TEXT, deduplication_id TEXT,
        source TEXT, sent INTEGER NOT NULL, visible INTEGER NOT NULL, receives INTEGER NOT NULL DEFAULT 0,
        carried INTEGER NOT NULL DEFAULT 0, received INTEGER, first_received INTEGER, receipt TEXT
    );
INSERT INTO "sqs_messages" VALUES(1,3,0,'bca13049-49f6-4097-8c63-8b578a7b2974','kept','4d8b6084f3d167b76cac66a22a91be02','{"a": {"StringValue": "b", "DataType": "String"}}','111122223333',NULL,NULL,NULL,NULL,1795921079611,1795921079611,0,0,NULL,NULL,NULL);
INSERT INTO "sqs_messages" VALUES(2,4,1,'4344741e-3e22-401f-b5c3-cf176cdf38d6','0','cfcd208495d565ef66e7dff9f98764da','{}','111122223333',NULL,'g','0',NULL,1795921079653,1795921079653,0,0,NULL,NULL,NULL);
INSERT INTO "sqs_messages" VALUES(3,4,1,'e7a527de-bd96-4035-bf79-6a7f56b7a65e','1','c4ca4238a0b923820dcc509a6f75849b','{}','111122223333',NULL,'g','1',NULL,1795921079669,1795921079669,0,0,NULL,NULL,NULL);
INSERT INTO "sqs_messages" VALUES(4,2,0,'620311f4-a23c-4137-aecd-38c30da3b766','{"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2026-11-29T02:58:00.918Z", "Bucket": "upgraded", "RequestId": "A04B7D93855740CF", "HostId": "f631a774c6974f05b9be5a5ac354e1f7"}','3bc7d4fc7fe25d4a481dbe68506089d6','{}','111122223333',NULL,NULL,NULL,NULL,1795921080922,1795921080922,0,0,NULL,NULL,NULL);
INSERT INTO "sqs_messages" VALUES(5,5,0,'f2ec945e-17d5-471f-8a77-b2d265eae13c','{"token":"AQCEAAAAKgAAAAMAAAAAS-drOH_H_Nn4TMwzG4shrSOW0uNskUtwT-FqptzNM5E1mtzAsa2EVLmzDyAwg9LvH9-Hq8rex4Ypv6m4_Kn3EIMgPY2G9y_Q-LilC78IqL6mLqlAdrEy4ApOYgODEFqa"}','596f55a8371dc4463db84e1808e564f6','{}','111122223333',NULL,NULL,NULL,NULL,1795921090399,1795921090399,0,0,NULL,NULL,NULL);
CREATE TABLE sqs_move_tasks (
        id TEXT PRIMARY KEY, source TEXT NOT NULL, destination TEXT, status TEXT NOT NULL, rate INTEGER,
        started INTEGER NOT NULL, moved INTEGER NOT NULL DEFAULT 0, total INTEGER NOT NULL, reason TEXT
    ) WITHOUT ROWID;
INSERT INTO "sqs_move_tasks" VALUES('7130922f-a89e-4405-8529-c1babadc34d9','arn:aws:sqs:us-east-1:111122223333:dead',NULL,'COMPLETED',NULL,1795921079696,0,0,NULL);
CREATE TABLE sqs_queues (
        id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, attributes TEXT NOT NULL,
        tags TEXT NOT NULL DEFAULT '{}', created INTEGER NOT NULL, modified INTEGER NOT NULL
    );
INSERT INTO "sqs_queues" VALUES(1,'dead','{"VisibilityTimeout": "30", "MaximumMessageSize": "1048576", "MessageRetentionPeriod": "345600", "DelaySeconds": "0", "ReceiveMessageWaitTimeSeconds": "0", "SqsManagedSseEnabled": "true"}','{}',1795921079,1795921079);
INSERT INTO "sqs_queues" VALUES(2,'notified','{"VisibilityTimeout": "30", "MaximumMessageSize": "1048576", "MessageRetentionPeriod": "345600", "DelaySeconds": "0", "ReceiveMessageWaitTimeSeconds": "0", "SqsManagedSseEnabled": "true"}','{}',1795921079,1795921079);
INSERT INTO "sqs_queues" VALUES(3,'upgraded','{"VisibilityTimeout": "30", "MaximumMessageSize": "1048576", "MessageRetentionPeriod": "345600", "DelaySeconds": "0", "ReceiveMessageWaitTimeSeconds": "0", "SqsManagedSseEnabled": "true", "RedrivePolicy": "{\"deadLetterTargetArn\": \"arn:aws:sqs:us-east-1:111122223333:dead\", \"maxReceiveCount\": 5}"}','{"team": "ml"}',1795921079,1795921079);
INSERT INTO "sqs_queues" VALUES(4,'upgraded.fifo','{"VisibilityTimeout": "30", "MaximumMessageSize": "1048576", "MessageRetentionPeriod": "345600", "DelaySeconds": "0", "ReceiveMessageWaitTimeSeconds": "0", "SqsManagedSseEnabled": "true", "FifoQueue": "true", "ContentBasedDeduplication": "false", "DeduplicationScope": "queue", "FifoThroughputLimit": "perQueue"}','{}',1795921079,1795921079);
INSERT INTO "sqs_queues" VALUES(5,'tokens','{"VisibilityTimeout": "30", "MaximumMessageSize": "1048576", "MessageRetentionPeriod": "345600", "DelaySeconds": "0", "ReceiveMessageWaitTimeSeconds": "0", "SqsManagedSseEnabled": "true"}','{}',1795921085,1795921085);
CREATE INDEX log_streams_by_last ON log_streams (group_name, coalesce(last, -1), name);
CREATE INDEX log_events_by_stream ON log_events (group_name, stream, at, id);
CREATE INDEX log_events_by_group ON log_events (group_name, at, id)
    ;
CREATE INDEX metric_samples_by_time ON metric_samples (metric, at)
    ;
CREATE INDEX s3_objects_by_file ON s3_objects (file) WHERE file IS NOT NULL;
CREATE INDEX s3_uploads_in_order ON s3_uploads (bucket, key, initiated, id);
CREATE INDEX s3_notifications_by_lane ON s3_notifications (lane);
CREATE INDEX sqs_messages_by_visibility ON sqs_messages (queue, visible, sent);
CREATE INDEX sqs_messages_by_age ON sqs_messages (queue, sent);
CREATE INDEX sqs_messages_in_order ON sqs_messages (queue) WHERE fifo = 1;
CREATE INDEX sqs_messages_of_group ON sqs_messages (queue, group_id) WHERE fifo = 1;
CREATE INDEX sqs_messages_in_flight ON sqs_messages (queue, group_id, visible)
        WHERE fifo = 1 AND receives > 0;
CREATE INDEX sqs_deduplications_by_age ON sqs_deduplications (sent)
;
CREATE INDEX sqs_move_tasks_by_source ON sqs_move_tasks (source, started);
CREATE INDEX sqs_move_tasks_running ON sqs_move_tasks (status) WHERE status = 'RUNNING'
;
CREATE INDEX function_results_by_lane ON function_results (lane);
CREATE INDEX sns_deliveries_by_lane ON sns_deliveries (lane);
CREATE INDEX sagemaker_resources_created ON sagemaker_resources (kind, created, name);
CREATE INDEX sagemaker_resources_modified ON sagemaker_resources (kind, modified, name);
CREATE INDEX sagemaker_resources_status ON sagemaker_resources (kind, status, name);
CREATE INDEX sagemaker_resources_of_status ON sagemaker_resources (kind, status, created, name);
CREATE INDEX sagemaker_resources_arn ON sagemaker_resources (arn);
CREATE INDEX sagemaker_resources_token ON sagemaker_resources
    (kind, json_extract(document, '$.ClientToken'));
CREATE INDEX sagemaker_resources_group ON sagemaker_resources
    (kind, json_extract(document, '$.ModelPackageGroupName'));
CREATE INDEX events_deliveries_by_lane ON events_deliveries (lane);
CREATE INDEX sfn_versions_machine ON sfn_versions (machine, number);
CREATE INDEX sfn_aliases_machine ON sfn_aliases (machine);
CREATE INDEX sfn_executions_machine ON sfn_executions (machine, id);
CREATE INDEX sfn_executions_status ON sfn_executions (machine, status, id);
CREATE INDEX sfn_executions_version ON sfn_executions (version, id) WHERE version IS NOT NULL;
CREATE INDEX sfn_executions_version_status ON sfn_executions (version, status, id)
    WHERE version IS NOT NULL;
CREATE INDEX sfn_executions_running ON sfn_executions (status) WHERE status = 'RUNNING';
CREATE INDEX sfn_failed_attempts_in_order ON sfn_failed_attempts (execution, last);
CREATE INDEX sfn_map_runs_execution ON sfn_map_runs (execution, id);
CREATE INDEX sfn_map_children_status ON sfn_map_children (map_run, status, number);
CREATE INDEX sfn_map_children_execution ON sfn_map_children (execution)
;
CREATE INDEX sfn_tokens_execution ON sfn_tokens (execution, scheduled)
;
CREATE INDEX sfn_executions_alias ON sfn_executions (alias, id) WHERE alias IS NOT NULL;
CREATE INDEX sfn_executions_alias_status ON sfn_executions (alias, status, id) WHERE alias IS NOT NULL
;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('sqs_queues',5);
INSERT INTO "sqlite_sequence" VALUES('sqs_messages',5);
INSERT INTO "sqlite_sequence" VALUES('s3_notifications',1);
INSERT INTO "sqlite_sequence" VALUES('log_events',8);
COMMIT;
PRAGMA user_version = 1;
PRAGMA application_id = 1;
