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
INSERT INTO "event_invoke_configs" VALUES('upgraded','$LATEST','{"FunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:upgraded:$LATEST", "MaximumRetryAttempts": 1, "DestinationConfig": {"OnSuccess": {}, "OnFailure": {}}, "LastModified": 1795954138.6953535}');
CREATE TABLE event_source_mappings (
        uuid TEXT PRIMARY KEY, function_arn TEXT NOT NULL, source_arn TEXT NOT NULL, document TEXT NOT NULL,
        UNIQUE (function_arn, source_arn)
    ) WITHOUT ROWID
;
INSERT INTO "event_source_mappings" VALUES('f9490d6c-2c86-41b0-bf7f-852c639c8a5a','arn:aws:lambda:us-east-1:111122223333:function:upgraded','arn:aws:sqs:us-east-1:111122223333:upgraded.fifo','{"UUID": "f9490d6c-2c86-41b0-bf7f-852c639c8a5a", "EventSourceMappingArn": "arn:aws:lambda:us-east-1:111122223333:event-source-mapping:f9490d6c-2c86-41b0-bf7f-852c639c8a5a", "BatchSize": 10, "MaximumBatchingWindowInSeconds": 0, "FunctionResponseTypes": [], "EventSourceArn": "arn:aws:sqs:us-east-1:111122223333:upgraded.fifo", "FunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:upgraded", "State": "Disabled", "LastModified": 1795954138.7412004, "StateTransitionReason": "USER_INITIATED"}');
CREATE TABLE events_buses (
        name TEXT PRIMARY KEY, document TEXT NOT NULL, tags TEXT NOT NULL, created REAL NOT NULL, modified REAL NOT NULL
    ) WITHOUT ROWID;
INSERT INTO "events_buses" VALUES('default','{}','{}',1795954136.0,1795954136.0);
INSERT INTO "events_buses" VALUES('upgraded','{"Description": "kept"}','{}',1.79595413781454014785e+09,1.79595413781454014785e+09);
CREATE TABLE events_deliveries ( id INTEGER PRIMARY KEY AUTOINCREMENT, lane TEXT NOT NULL, payload TEXT NOT NULL);
CREATE TABLE events_deliveries_payloads ( first INTEGER PRIMARY KEY, last INTEGER NOT NULL, payload TEXT NOT NULL);
CREATE TABLE events_rules (
        bus TEXT NOT NULL REFERENCES events_buses(name) ON DELETE CASCADE, name TEXT NOT NULL, pattern TEXT,
        schedule TEXT, state TEXT NOT NULL, document TEXT NOT NULL, tags TEXT NOT NULL, modified REAL NOT NULL,
        PRIMARY KEY (bus, name)
    ) WITHOUT ROWID;
INSERT INTO "events_rules" VALUES('default','scheduled',NULL,'rate(1 day)','DISABLED','{"Description": "kept"}','{"team": "ml"}',1.79595413785808062558e+09);
INSERT INTO "events_rules" VALUES('upgraded','matched','{"source": ["upgrade"]}',NULL,'ENABLED','{"Description": "kept"}','{"team": "ml"}',1.79595413782126188274e+09);
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
INSERT INTO "function_aliases" VALUES('upgraded','live','{"AliasArn": "arn:aws:lambda:us-east-1:111122223333:function:upgraded:live", "Name": "live", "FunctionVersion": "1", "Description": "", "RevisionId": "15d1edab-f926-42b3-8d79-064cca0aff70"}');
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
INSERT INTO "function_urls" VALUES('upgraded','','58a67645809a5523d4983b67c7bba55f','{"FunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:upgraded", "InvokeMode": "BUFFERED", "CreationTime": "2026-11-29T12:08:58.727638Z", "LastModifiedTime": "2026-11-29T12:08:58.727638Z", "AuthType": "NONE"}');
CREATE TABLE function_versions (
        function TEXT NOT NULL REFERENCES functions(name) ON DELETE CASCADE, version INTEGER NOT NULL,
        document TEXT NOT NULL, code TEXT NOT NULL, PRIMARY KEY (function, version)
    ) WITHOUT ROWID;
INSERT INTO "function_versions" VALUES('upgraded',1,'{"FunctionName": "upgraded", "FunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:upgraded:1", "Description": "", "Timeout": 3, "MemorySize": 128, "EphemeralStorage": {"Size": 512}, "Architectures": ["x86_64"], "Runtime": "python3.12", "Role": "arn:aws:iam::111122223333:role/upgraded", "Handler": "main.handler", "Environment": {"Variables": {"KEPT": "yes"}}, "Layers": [{"Arn": "arn:aws:lambda:us-east-1:111122223333:layer:upgraded:1", "CodeSize": 134}], "CodeSize": 168, "CodeSha256": "9ei8yw7OuIPvnIezDONmVhXWgmg9HZUDKoT/wkOylRg=", "LastModified": "2026-11-29T12:08:58.559+0000", "Version": "1", "TracingConfig": {"Mode": "PassThrough"}, "RevisionId": "910f3a9e-1887-4499-8d7d-610bea4f050f", "State": "Active", "LastUpdateStatus": "Successful", "PackageType": "Zip", "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"}, "RuntimeVersionConfig": {"RuntimeVersionArn": "arn:aws:lambda:us-east-1::runtime:0000000000000000000000000000000000000000000000000000000000000000"}, "LoggingConfig": {"LogFormat": "Text", "LogGroup": "/aws/lambda/upgraded"}}','f5e8bccb0eceb883ef9c87b30ce3665615d682683d1d95032a84ffc243b29518');
CREATE TABLE functions (
        name TEXT PRIMARY KEY, document TEXT NOT NULL, code TEXT NOT NULL, tags TEXT NOT NULL DEFAULT '{}',
        reserved INTEGER, last_version INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID;
INSERT INTO "functions" VALUES('upgraded','{"FunctionName": "upgraded", "FunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:upgraded", "Description": "", "Timeout": 3, "MemorySize": 128, "EphemeralStorage": {"Size": 512}, "Architectures": ["x86_64"], "Runtime": "python3.12", "Role": "arn:aws:iam::111122223333:role/upgraded", "Handler": "main.handler", "Environment": {"Variables": {"KEPT": "yes"}}, "Layers": [{"Arn": "arn:aws:lambda:us-east-1:111122223333:layer:upgraded:1", "CodeSize": 134}], "CodeSize": 168, "CodeSha256": "9ei8yw7OuIPvnIezDONmVhXWgmg9HZUDKoT/wkOylRg=", "LastModified": "2026-11-29T12:08:58.559+0000", "Version": "$LATEST", "TracingConfig": {"Mode": "PassThrough"}, "RevisionId": "758462d2-c3ae-47e9-b23a-4a1d668894ad", "State": "Active", "LastUpdateStatus": "Successful", "PackageType": "Zip", "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"}, "RuntimeVersionConfig": {"RuntimeVersionArn": "arn:aws:lambda:us-east-1::runtime:0000000000000000000000000000000000000000000000000000000000000000"}, "LoggingConfig": {"LogFormat": "Text", "LogGroup": "/aws/lambda/upgraded"}}','f5e8bccb0eceb883ef9c87b30ce3665615d682683d1d95032a84ffc243b29518','{"team": "ml"}',5,1);
CREATE TABLE layer_versions (
        name TEXT NOT NULL, version INTEGER NOT NULL, document TEXT NOT NULL, code TEXT NOT NULL,
        deleted INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (name, version)
    ) WITHOUT ROWID
;
INSERT INTO "layer_versions" VALUES('upgraded',1,'{"Content": {"CodeSha256": "Ap/ZGizo/4YmVfpu/KQB3uwjuc+88SYd9w9GHNl4cX4=", "CodeSize": 134}, "LayerArn": "arn:aws:lambda:us-east-1:111122223333:layer:upgraded", "Description": "kept", "CreatedDate": "2026-11-29T12:08:58.241+0000", "CompatibleRuntimes": null, "LicenseInfo": null, "CompatibleArchitectures": null, "LayerVersionArn": "arn:aws:lambda:us-east-1:111122223333:layer:upgraded:1", "Version": 1}','029fd91a2ce8ff862655fa6efca401deec23b9cfbcf1261df70f461cd978717e',0);
CREATE TABLE log_events (
        id INTEGER PRIMARY KEY AUTOINCREMENT, group_name TEXT NOT NULL, stream TEXT NOT NULL,
        at INTEGER NOT NULL, ingested INTEGER NOT NULL, message TEXT NOT NULL,
        FOREIGN KEY (group_name, stream) REFERENCES log_streams(group_name, name) ON DELETE CASCADE
    );
INSERT INTO "log_events" VALUES(1,'/upgraded','stream',1795954137944,1795954137947,'line 0');
INSERT INTO "log_events" VALUES(2,'/upgraded','stream',1795954137945,1795954137947,'line 1');
INSERT INTO "log_events" VALUES(3,'/upgraded','stream',1795954137946,1795954137947,'line 2');
INSERT INTO "log_events" VALUES(4,'/aws/lambda/upgraded','2026/11/29/[$LATEST]f0f9127df09c49aab09aba12d61409df',1795954139443,1795954139492,'INIT_START Runtime Version: python:3.12.v1	Runtime Version ARN: arn:aws:lambda:us-east-1::runtime:0000000000000000000000000000000000000000000000000000000000000000');
INSERT INTO "log_events" VALUES(5,'/aws/lambda/upgraded','2026/11/29/[$LATEST]f0f9127df09c49aab09aba12d61409df',1795954139490,1795954139492,'START RequestId: b6d74307-9af6-4a13-8cdd-72843fa46c9c Version: $LATEST');
INSERT INTO "log_events" VALUES(6,'/aws/lambda/upgraded','2026/11/29/[$LATEST]f0f9127df09c49aab09aba12d61409df',1795954139491,1795954139492,'END RequestId: b6d74307-9af6-4a13-8cdd-72843fa46c9c');
INSERT INTO "log_events" VALUES(7,'/aws/lambda/upgraded','2026/11/29/[$LATEST]f0f9127df09c49aab09aba12d61409df',1795954139491,1795954139492,'REPORT RequestId: b6d74307-9af6-4a13-8cdd-72843fa46c9c	Duration: 1.05 ms	Billed Duration: 49 ms	Memory Size: 128 MB	Max Memory Used: 32 MB	Init Duration: 47.33 ms	');
INSERT INTO "log_events" VALUES(8,'/aws/sagemaker/TrainingJobs','upgraded/algo-1-1795954142',1795954142881,1795954142885,'Training begins');
CREATE TABLE log_groups (
        name TEXT PRIMARY KEY, created INTEGER NOT NULL, retention INTEGER, tags TEXT NOT NULL DEFAULT '{}'
    ) WITHOUT ROWID;
INSERT INTO "log_groups" VALUES('/aws/lambda/upgraded',1795954139492,NULL,'{}');
INSERT INTO "log_groups" VALUES('/aws/sagemaker/TrainingJobs',1795954142885,NULL,'{}');
INSERT INTO "log_groups" VALUES('/upgraded',1795954137928,30,'{"team": "ml"}');
CREATE TABLE log_streams (
        group_name TEXT NOT NULL REFERENCES log_groups(name) ON DELETE CASCADE, name TEXT NOT NULL,
        created INTEGER NOT NULL, first INTEGER, last INTEGER, ingested INTEGER, bytes INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (group_name, name)
    ) WITHOUT ROWID;
INSERT INTO "log_streams" VALUES('/aws/lambda/upgraded','2026/11/29/[$LATEST]f0f9127df09c49aab09aba12d61409df',1795954139492,1795954139443,1795954139491,1795954139492,550);
INSERT INTO "log_streams" VALUES('/aws/sagemaker/TrainingJobs','upgraded/algo-1-1795954142',1795954142885,1795954142881,1795954142881,1795954142885,41);
INSERT INTO "log_streams" VALUES('/upgraded','stream',1795954137940,1795954137944,1795954137946,1795954137947,96);
CREATE TABLE metric_samples (
        metric INTEGER NOT NULL REFERENCES metrics(id), at REAL NOT NULL, unit TEXT NOT NULL,
        value REAL NOT NULL, count REAL NOT NULL
    );
INSERT INTO "metric_samples" VALUES(1,1795954080.0,'None',7.0,1.0);
CREATE TABLE metrics (
        id INTEGER PRIMARY KEY, namespace TEXT NOT NULL, name TEXT NOT NULL, dimensions TEXT NOT NULL,
        UNIQUE (namespace, name, dimensions)
    );
INSERT INTO "metrics" VALUES(1,'Upgraded','m','{"d": "v"}');
CREATE TABLE policies (
        arn TEXT PRIMARY KEY, document TEXT NOT NULL, body TEXT NOT NULL
    ) WITHOUT ROWID
;
INSERT INTO "policies" VALUES('arn:aws:iam::111122223333:policy/upgraded','{"PolicyName": "upgraded", "PolicyId": "ANPA8A8939040BB55B0DE", "Arn": "arn:aws:iam::111122223333:policy/upgraded", "Path": "/", "DefaultVersionId": "v1", "IsAttachable": true, "Description": null, "CreateDate": 1795954138.081433, "UpdateDate": 1795954138.081433}','{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}');
CREATE TABLE role_policies (
        role TEXT NOT NULL REFERENCES roles(name) ON DELETE CASCADE, name TEXT NOT NULL, document TEXT,
        PRIMARY KEY (role, name)
    ) WITHOUT ROWID
;
INSERT INTO "role_policies" VALUES('upgraded','arn:aws:iam::111122223333:policy/upgraded',NULL);
INSERT INTO "role_policies" VALUES('upgraded','inline','{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}');
CREATE TABLE roles (
        name TEXT PRIMARY KEY, document TEXT NOT NULL, tags TEXT NOT NULL DEFAULT '{}'
    ) WITHOUT ROWID
;
INSERT INTO "roles" VALUES('AmazonSageMaker-ExecutionRole-Scones','{"Path": "/service-role/", "RoleName": "AmazonSageMaker-ExecutionRole-Scones", "RoleId": "AROA93F095B4BE4161555", "Arn": "arn:aws:iam::111122223333:role/service-role/AmazonSageMaker-ExecutionRole-Scones", "CreateDate": 1795954136.904826, "AssumeRolePolicyDocument": "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Effect\": \"Allow\", \"Principal\": {\"Service\": \"sagemaker.amazonaws.com\"}, \"Action\": \"sts:AssumeRole\"}]}", "Description": null, "MaxSessionDuration": 3600}','{}');
INSERT INTO "roles" VALUES('upgraded','{"Path": "/", "RoleName": "upgraded", "RoleId": "AROA5DDD92FA65D634733", "Arn": "arn:aws:iam::111122223333:role/upgraded", "CreateDate": 1795954138.067809, "AssumeRolePolicyDocument": "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Effect\": \"Allow\", \"Principal\": {\"Service\": \"lambda.amazonaws.com\"}, \"Action\": \"sts:AssumeRole\"}]}", "Description": "kept", "MaxSessionDuration": 3600}','{"team": "ml"}');
CREATE TABLE s3_bodies (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
INSERT INTO "s3_bodies" VALUES(1,X'736D616C6C');
INSERT INTO "s3_bodies" VALUES(2,X'61206D6F64656C');
INSERT INTO "s3_bodies" VALUES(3,X'1F8B0808DE150C6B00FF75706C6F61642E74617200ED965B73E23614C7F35176782ED8C60B24CCF4C1313231013BF18D4BD3F13846B10DC67625798164F2DD2B890DEC25DD6E1FB2E9837E4C8225FDCF45473A4054E02D442DB223676F864CE9CA327F97BF7FA7F4CE948E2AABB2D2EEA9DD335991655539FB20BF5D4A276A4C224453F915B1FE87101465055CBE771A8277024358B456B82CDE30C6BFF4BFFA51ED7CDDFF72AFDBEE8AFEFF153C351EB21CE246FFC353232E8B872C91D27D055115A16803094498DF0EBADE787A6EFCF6E1459415554D9611890EE3D74508E2B24631FC5673D7886B846041C2B4C4E48ECEDD35A23C299BCA1DB53EAD66053D9C228621A1291D649BBCB5E9B4F20825F06B6D82CABA0A0B9AF44198969B3281052C6BACE7F490213AE85944CC247F9C62FEC9168EC1B8A783E4E9DBE99F08F03349BF9AC4334FA380645BA235DD3BF5F810513FA7907979D7786E3CD302C3E25386CA624377CE8F4E9BBAA1A6EBC075C36B300FCD01ABB3E69ADAACE7F49CF950BF05601480C060A7C3C42ED01DE07D61C30C2ED4014245475740A2F49CF2623CF5864E53D95FD7C55A4EB75EF3FE3ED80761EFE4C4754DDB0A3DFB1A58CC01DC8FD062B6CEEC4CCB6E036B741B24AABF5ABA537F39F0FDC070F38511ACE7D958D7B2F96C549BAB323137C6FE7E55A54B75D28D55E7D15E95BB8907769395B99FAC268FF4D59DCFACC7E554C917BAB2BF6FEFF2B11A6C17EA285D0C83F558B1D2453BB0E65392C799894D7D94CEDBD6A7E5B42373FF2BC0FCEDB93FE66DCF354ADC0EF6B376BEE69AB5E17A32501CE000DB1B0D6FBDB9E20CE68FD620A61695379F2E736F6AD0BD993CF7C52CDD46B3511EEFCDAE3900AAED258A3598EFAC81594FAEE4DF5BD64C3BB7E27A3A22EE6C5D989DE9CE79FCEB0216C5E2E2B27D93AD72CFBFD84DD7C94B251D30A4856425AC71134698349597A50130347FECFD4802ACC18D6D5A5EE83B63264809A9FA92443F4D5B327D297DB5F7B1AB32F5953D014C21914DC5C663CD1AB2B1DEF23DA379CEA66E34EF8A4BCA8A4898B62EA4E14ED74DBACF8ABE84CA9248AD98DEE8F28713D59E9A4A555E27B42D243E6A5257A48E72B680D36C83BFD6BE32C5FDD51849791947B984BF191F87A705FE7018D27F7C5773EFCAB68E7BA3DB9752A5236155DAD01F401246F1E7BD4A715ED64B89F520AE68FB49ECFB81D4B49EAFD89C3CFBD6A56F18F4FAF0CEE327E36A4330D1AE81F34F477763DE84BA6D19E63034CCF1E15C3ED7F1F0F9596515FBE3C3178397EBE0991360FB1E8F762E1F574D57BB1C83903D07C0E1DDA95F01FDFA98150F0A1C6E284142B78D73298688D09D474DF6903D647144206EC588BC5818A63508C7A675ED1EAFC6368530C74C604F6E42CB9F84DE9503B40157B4D9BCE768A6655AC370645F869AC30B10A1A21F6D711F4709DC446B88FAC792F4154A9BA252FAFC87695624CD55792FD55582A2255C7EE7D5D20EF7F94BC1A9EE979A0B68499C63CE9B9C0902D3F17C6D4CDB26F8C1456F3C3FBFF797B340201008040281402010080402814020100804028140F01FF91BEA87CE9A00280000');
CREATE TABLE s3_bucket_settings (
        bucket TEXT NOT NULL, setting TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (bucket, setting)
    ) WITHOUT ROWID
;
INSERT INTO "s3_bucket_settings" VALUES('upgraded','policy','"{\"Version\": \"2012-10-17\", \"Statement\": [{\"Effect\": \"Allow\", \"Principal\": \"*\", \"Action\": \"s3:GetObject\", \"Resource\": \"arn:aws:s3:::upgraded/*\"}]}"');
CREATE TABLE s3_buckets (
        name TEXT PRIMARY KEY, created INTEGER NOT NULL, tags TEXT NOT NULL DEFAULT '[]'
    ) WITHOUT ROWID
;
INSERT INTO "s3_buckets" VALUES('models',1795954142499,'[]');
INSERT INTO "s3_buckets" VALUES('upgraded',1795954137449,'[{"Key": "team", "Value": "ml"}]');
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
INSERT INTO "s3_objects" VALUES('models','model.tar.gz',7,'fe2dbffd447a970c1a42dac39791f114',1795954142532,'STANDARD','CRC32','prYY3Q==','FULL_OBJECT','{"ContentType": "binary/octet-stream", "ServerSideEncryption": "AES256"}','[]',2,NULL,NULL);
INSERT INTO "s3_objects" VALUES('models','trained/upgraded/output/model.tar.gz',1145,'23131f8ae0f71c3a33fda843cd856c83',1795954142900,'STANDARD','CRC64NVME','i1pyK5fSY/I=','FULL_OBJECT','{"ContentType": "binary/octet-stream", "ServerSideEncryption": "AES256"}','[]',3,NULL,NULL);
INSERT INTO "s3_objects" VALUES('upgraded','parts.txt',21,'f98b994703daa4bba68b20cd1306c517-1',1795954137606,'STANDARD','CRC64NVME','mo1FJaHvohk=','FULL_OBJECT','{"ContentType": "binary/octet-stream", "ServerSideEncryption": "AES256"}','[]',NULL,NULL,'fa8e4023086e4c7f87467775be18fcfabc69b3e71b2f433da6e97e9129a76caa');
INSERT INTO "s3_objects" VALUES('upgraded','small.txt',5,'eb5c1399a871211c7e7ed732d15e3a8b',1795954137482,'STANDARD','CRC32','dUXqEw==','FULL_OBJECT','{"Metadata": {"made": "by hand"}, "ContentType": "binary/octet-stream", "ServerSideEncryption": "AES256"}','[{"Key": "kind", "Value": "text"}]',1,NULL,NULL);
CREATE TABLE s3_parts (
        upload TEXT NOT NULL, number INTEGER NOT NULL, size INTEGER NOT NULL, md5 BLOB NOT NULL,
        checksum TEXT NOT NULL, file TEXT NOT NULL, modified INTEGER NOT NULL, PRIMARY KEY (upload, number)
    ) WITHOUT ROWID
;
INSERT INTO "s3_parts" VALUES('6f1d0c723cbd4597ab5fc52b6d8d29f5e70dc452a6734bdd9711be36d7fb30c0',1,20,X'0A19BB5C09AA0ED94DE9038B5B3B4E8F','Z6KLwnK2KQE=','43d734d6fac3464e820d22e00a538186',1795954137633);
INSERT INTO "s3_parts" VALUES('fa8e4023086e4c7f87467775be18fcfabc69b3e71b2f433da6e97e9129a76caa',1,21,X'86596873E590CA766F1F1F4963DC70F2','mo1FJaHvohk=','4b2741c2090d49a5ab378ca750f45e99',1795954137595);
CREATE TABLE s3_uploads (
        id TEXT PRIMARY KEY, bucket TEXT NOT NULL, key TEXT NOT NULL, initiated INTEGER NOT NULL,
        storage_class TEXT NOT NULL, checksum_algorithm TEXT NOT NULL, checksum_type TEXT NOT NULL,
        chosen INTEGER NOT NULL, headers TEXT NOT NULL, tags TEXT NOT NULL
    ) WITHOUT ROWID;
INSERT INTO "s3_uploads" VALUES('6f1d0c723cbd4597ab5fc52b6d8d29f5e70dc452a6734bdd9711be36d7fb30c0','upgraded','open.txt',1795954137616,'STANDARD','CRC64NVME','FULL_OBJECT',0,'{"ContentType": "binary/octet-stream", "ServerSideEncryption": "AES256"}','[]');
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
INSERT INTO "sagemaker_resources" VALUES('training-job','upgraded','arn:aws:sagemaker:us-east-1:111122223333:training-job/upgraded','Completed',1.79595414263953399663e+09,1.79595414295772528648e+09,'{"HyperParameters": {}, "EnableNetworkIsolation": false, "EnableInterContainerTrafficEncryption": false, "EnableManagedSpotTraining": false, "TrainingJobName": "upgraded", "AlgorithmSpecification": {"EnableSageMakerMetricsTimeSeries": false, "TrainingImage": "111122223333.dkr.ecr.us-east-1.amazonaws.com/test-image:1", "TrainingInputMode": "File", "MetricDefinitions": []}, "RoleArn": "arn:aws:iam::111122223333:role/upgraded", "OutputDataConfig": {"KmsKeyId": "", "CompressionType": "GZIP", "S3OutputPath": "s3://models/trained"}, "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}, "StoppingCondition": {"MaxRuntimeInSeconds": 300}, "TrainingJobArn": "arn:aws:sagemaker:us-east-1:111122223333:training-job/upgraded", "ModelArtifacts": {"S3ModelArtifacts": "s3://models/trained/upgraded/output/model.tar.gz"}, "TrainingJobStatus": "Completed", "CreationTime": 1795954142.639534, "LastModifiedTime": 1795954142.9577253, "SecondaryStatusTransitions": [{"Status": "Starting", "StartTime": 1795954142.6396518, "StatusMessage": "Starting the training job", "EndTime": 1795954142.655192}, {"Status": "Downloading", "StartTime": 1795954142.655192, "StatusMessage": "Downloading input data", "EndTime": 1795954142.6638408}, {"Status": "Training", "StartTime": 1795954142.6638408, "StatusMessage": "Training image download completed. Training in progress.", "EndTime": 1795954142.8949974}, {"Status": "Uploading", "StartTime": 1795954142.8949974, "StatusMessage": "Uploading generated training model", "EndTime": 1795954142.9577253}, {"Status": "Completed", "StartTime": 1795954142.9577253, "StatusMessage": "Training job completed", "EndTime": 1795954142.9577253}], "SecondaryStatus": "Completed", "TrainingStartTime": 1795954142.655192, "TrainingEndTime": 1795954142.9577253, "TrainingTimeInSeconds": 1, "BillableTimeInSeconds": 1}');
INSERT INTO "sagemaker_resources" VALUES('model','upgraded','arn:aws:sagemaker:us-east-1:111122223333:model/upgraded','',1.79595414367625522611e+09,1.79595414367625522611e+09,'{"EnableNetworkIsolation": false, "ModelName": "upgraded", "PrimaryContainer": {"Image": "111122223333.dkr.ecr.us-east-1.amazonaws.com/test-image:1", "ModelDataUrl": "s3://models/model.tar.gz", "Mode": "SingleModel"}, "ExecutionRoleArn": "arn:aws:iam::111122223333:role/upgraded", "ModelArn": "arn:aws:sagemaker:us-east-1:111122223333:model/upgraded", "CreationTime": 1795954143.6762552}');
INSERT INTO "sagemaker_resources" VALUES('endpoint-config','upgraded','arn:aws:sagemaker:us-east-1:111122223333:endpoint-config/upgraded','',1.79595414368710231778e+09,1.79595414368710231778e+09,'{"EnableNetworkIsolation": false, "EndpointConfigName": "upgraded", "ProductionVariants": [{"VariantName": "all", "ModelName": "upgraded", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large", "InitialVariantWeight": 1.0}], "DataCaptureConfig": {"EnableCapture": true, "InitialSamplingPercentage": 100, "DestinationS3Uri": "s3://models/captures", "CaptureOptions": [{"CaptureMode": "Input"}]}, "EndpointConfigArn": "arn:aws:sagemaker:us-east-1:111122223333:endpoint-config/upgraded", "CreationTime": 1795954143.6871023}');
INSERT INTO "sagemaker_resources" VALUES('model-package-group','upgraded','arn:aws:sagemaker:us-east-1:111122223333:model-package-group/upgraded','Completed',1.79595414369600725173e+09,1.79595414369600725173e+09,'{"ModelPackageGroupName": "upgraded", "ModelPackageGroupDescription": "kept", "ModelPackageGroupArn": "arn:aws:sagemaker:us-east-1:111122223333:model-package-group/upgraded", "ModelPackageGroupStatus": "Completed", "CreationTime": 1795954143.6960073, "CreatedBy": {"IamIdentity": {"Arn": "arn:aws:iam::111122223333:root", "PrincipalId": "111122223333"}}, "LatestVersion": 1}');
INSERT INTO "sagemaker_resources" VALUES('model-package','upgraded/1','arn:aws:sagemaker:us-east-1:111122223333:model-package/upgraded/1','Completed',1.79595414370625782018e+09,1.79595414370625782018e+09,'{"CertifyForMarketplace": false, "ModelPackageGroupName": "upgraded", "InferenceSpecification": {"Containers": [{"Image": "111122223333.dkr.ecr.us-east-1.amazonaws.com/test-image:1", "ModelDataUrl": "s3://models/model.tar.gz"}], "SupportedContentTypes": ["text/csv"], "SupportedResponseMIMETypes": ["text/csv"]}, "ModelApprovalStatus": "Approved", "ClientToken": "7cc58992-742d-4755-95c5-e2a897613abf", "ModelPackageVersion": 1, "ModelPackageArn": "arn:aws:sagemaker:us-east-1:111122223333:model-package/upgraded/1", "CreationTime": 1795954143.7062578, "CreatedBy": {"IamIdentity": {"Arn": "arn:aws:iam::111122223333:root", "PrincipalId": "111122223333"}}, "ModelPackageStatus": "Completed", "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []}}');
INSERT INTO "sagemaker_resources" VALUES('domain','d-f73cdwlcamcq','arn:aws:sagemaker:us-east-1:111122223333:domain/d-f73cdwlcamcq','InService',1.79595414371458578107e+09,1.79595414371458578107e+09,'{"AppNetworkAccessType": "PublicInternetOnly", "TagPropagation": "DISABLED", "DomainName": "upgraded", "AuthMode": "IAM", "DefaultUserSettings": {"ExecutionRole": "arn:aws:iam::111122223333:role/upgraded"}, "DomainId": "d-f73cdwlcamcq", "DomainArn": "arn:aws:sagemaker:us-east-1:111122223333:domain/d-f73cdwlcamcq", "Url": "https://d-f73cdwlcamcq.studio.us-east-1.sagemaker.aws", "Status": "InService", "CreationTime": 1795954143.7145858, "LastModifiedTime": 1795954143.7145858}');
INSERT INTO "sagemaker_resources" VALUES('user-profile','d-f73cdwlcamcq/ana','arn:aws:sagemaker:us-east-1:111122223333:user-profile/d-f73cdwlcamcq/ana','InService',1.79595414372569727899e+09,1.79595414372569727899e+09,'{"DomainId": "d-f73cdwlcamcq", "UserProfileName": "ana", "UserProfileArn": "arn:aws:sagemaker:us-east-1:111122223333:user-profile/d-f73cdwlcamcq/ana", "Status": "InService", "CreationTime": 1795954143.7256973, "LastModifiedTime": 1795954143.7256973}');
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
INSERT INTO "sfn_activities" VALUES('arn:aws:states:us-east-1:111122223333:activity:kept','kept',1.79595414217922425275e+09,'{"type": "AWS_OWNED_KEY"}');
CREATE TABLE sfn_aliases (
    arn TEXT PRIMARY KEY, machine TEXT NOT NULL, name TEXT NOT NULL, description TEXT, routing TEXT NOT NULL,
    created REAL NOT NULL, updated REAL NOT NULL
);
INSERT INTO "sfn_aliases" VALUES('arn:aws:states:us-east-1:111122223333:stateMachine:finished:live','arn:aws:states:us-east-1:111122223333:stateMachine:finished','live',NULL,'[{"stateMachineVersionArn": "arn:aws:states:us-east-1:111122223333:stateMachine:finished:1", "weight": 100}]',1.79595413941122722628e+09,1.79595413941122722628e+09);
INSERT INTO "sfn_aliases" VALUES('arn:aws:states:us-east-1:111122223333:stateMachine:mapped:live','arn:aws:states:us-east-1:111122223333:stateMachine:mapped','live',NULL,'[{"stateMachineVersionArn": "arn:aws:states:us-east-1:111122223333:stateMachine:mapped:1", "weight": 100}]',1.7959541396168751717e+09,1.7959541396168751717e+09);
INSERT INTO "sfn_aliases" VALUES('arn:aws:states:us-east-1:111122223333:stateMachine:failed:live','arn:aws:states:us-east-1:111122223333:stateMachine:failed','live',NULL,'[{"stateMachineVersionArn": "arn:aws:states:us-east-1:111122223333:stateMachine:failed:1", "weight": 100}]',1.79595413986025476452e+09,1.79595413986025476452e+09);
INSERT INTO "sfn_aliases" VALUES('arn:aws:states:us-east-1:111122223333:stateMachine:waiting:live','arn:aws:states:us-east-1:111122223333:stateMachine:waiting','live',NULL,'[{"stateMachineVersionArn": "arn:aws:states:us-east-1:111122223333:stateMachine:waiting:1", "weight": 100}]',1.79595414210278534893e+09,1.79595414210278534893e+09);
CREATE TABLE sfn_events (
    execution INTEGER NOT NULL, id INTEGER NOT NULL, previous INTEGER NOT NULL, type TEXT NOT NULL, at REAL NOT NULL,
    details TEXT, scope TEXT NOT NULL, PRIMARY KEY (execution, id)
);
INSERT INTO "sfn_events" VALUES(1,1,0,'ExecutionStarted',1.79595413942053818701e+09,'{"input":"{\"a\": 1}","inputDetails":{"truncated":false},"roleArn":"arn:aws:iam::111122223333:role/upgraded","stateMachineVersionArn":"arn:aws:states:us-east-1:111122223333:stateMachine:finished:1","stateMachineAliasArn":"arn:aws:states:us-east-1:111122223333:stateMachine:finished:live"}','');
INSERT INTO "sfn_events" VALUES(1,2,0,'TaskStateEntered',1.79595413942134809496e+09,'{"name":"Only","input":"{\"a\": 1}","inputDetails":{"truncated":false}}','');
INSERT INTO "sfn_events" VALUES(1,3,2,'LambdaFunctionScheduled',1.79595413942146563523e+09,'{"input":"{\"a\": 1}","inputDetails":{"truncated":false},"resource":"arn:aws:lambda:us-east-1:111122223333:function:upgraded"}','');
INSERT INTO "sfn_events" VALUES(1,4,3,'LambdaFunctionStarted',1.79595413942148923874e+09,NULL,'');
INSERT INTO "sfn_events" VALUES(1,5,4,'LambdaFunctionSucceeded',1.79595413949190664286e+09,'{"output":"{\"echo\":{\"a\":1}}","outputDetails":{"truncated":false}}','');
INSERT INTO "sfn_events" VALUES(1,6,5,'TaskStateExited',1.79595413949199414257e+09,'{"name":"Only","output":"{\"echo\":{\"a\":1}}","outputDetails":{"truncated":false}}','');
INSERT INTO "sfn_events" VALUES(1,7,6,'ExecutionSucceeded',1.79595413949201869962e+09,'{"output":"{\"echo\":{\"a\":1}}","outputDetails":{"truncated":false}}','');
INSERT INTO "sfn_events" VALUES(2,1,0,'ExecutionStarted',1.79595413962911939617e+09,'{"input":"[1, 2]","inputDetails":{"truncated":false},"roleArn":"arn:aws:iam::111122223333:role/upgraded","stateMachineVersionArn":"arn:aws:states:us-east-1:111122223333:stateMachine:mapped:1","stateMachineAliasArn":"arn:aws:states:us-east-1:111122223333:stateMachine:mapped:live"}','');
INSERT INTO "sfn_events" VALUES(2,2,0,'MapStateEntered',1.79595413962949371341e+09,'{"name":"Only","input":"[1, 2]","inputDetails":{"truncated":false}}','');
INSERT INTO "sfn_events" VALUES(2,3,2,'MapStateStarted',1.7959541396295580864e+09,'{"length":2}','');
INSERT INTO "sfn_events" VALUES(2,4,3,'MapRunStarted',1.79595413962974929811e+09,'{"mapRunArn":"arn:aws:states:us-east-1:111122223333:mapRun:mapped/5d6cf855-dddd-5860-8a75-fbe32b311231:e1175902-e9de-4dc4-a318-521edf446c93"}','');
INSERT INTO "sfn_events" VALUES(3,1,0,'ExecutionStarted',1.79595413965645456311e+09,'{"input":"1","inputDetails":{"truncated":false},"roleArn":"arn:aws:iam::111122223333:role/upgraded"}','');
INSERT INTO "sfn_events" VALUES(4,1,0,'ExecutionStarted',1.79595413965658140184e+09,'{"input":"2","inputDetails":{"truncated":false},"roleArn":"arn:aws:iam::111122223333:role/upgraded"}','');
INSERT INTO "sfn_events" VALUES(3,2,0,'PassStateEntered',1.79595413965682530405e+09,'{"name":"Each","input":"1","inputDetails":{"truncated":false}}','');
INSERT INTO "sfn_events" VALUES(3,3,2,'PassStateExited',1.79595413965690851214e+09,'{"name":"Each","output":"1","outputDetails":{"truncated":false}}','');
INSERT INTO "sfn_events" VALUES(3,4,3,'ExecutionSucceeded',1.79595413965692543979e+09,'{"output":"1","outputDetails":{"truncated":false}}','');
INSERT INTO "sfn_events" VALUES(4,2,0,'PassStateEntered',1.7959541396569902897e+09,'{"name":"Each","input":"2","inputDetails":{"truncated":false}}','');
INSERT INTO "sfn_events" VALUES(4,3,2,'PassStateExited',1.79595413965703439712e+09,'{"name":"Each","output":"2","outputDetails":{"truncated":false}}','');
INSERT INTO "sfn_events" VALUES(4,4,3,'ExecutionSucceeded',1.79595413965704727172e+09,'{"output":"2","outputDetails":{"truncated":false}}','');
INSERT INTO "sfn_events" VALUES(2,5,4,'MapRunSucceeded',1.79595413966630196569e+09,NULL,'');
INSERT INTO "sfn_events" VALUES(2,6,5,'MapStateSucceeded',1.79595413966632032397e+09,NULL,'');
INSERT INTO "sfn_events" VALUES(2,7,4,'MapStateExited',1.79595413966646122927e+09,'{"name":"Only","output":"[1,2]","outputDetails":{"truncated":false}}','');
INSERT INTO "sfn_events" VALUES(2,8,7,'ExecutionSucceeded',1.79595413966649198526e+09,'{"output":"[1,2]","outputDetails":{"truncated":false}}','');
INSERT INTO "sfn_events" VALUES(5,1,0,'ExecutionStarted',1.79595413987559509279e+09,'{"input":"{}","inputDetails":{"truncated":false},"roleArn":"arn:aws:iam::111122223333:role/upgraded","stateMachineVersionArn":"arn:aws:states:us-east-1:111122223333:stateMachine:failed:1","stateMachineAliasArn":"arn:aws:states:us-east-1:111122223333:stateMachine:failed:live"}','');
INSERT INTO "sfn_events" VALUES(5,2,0,'TaskStateEntered',1.79595413987589120861e+09,'{"name":"Only","input":"{}","inputDetails":{"truncated":false}}','');
INSERT INTO "sfn_events" VALUES(5,3,2,'LambdaFunctionScheduled',1.79595413987598466875e+09,'{"input":"{}","inputDetails":{"truncated":false},"resource":"arn:aws:lambda:us-east-1:111122223333:function:upgraded-none"}','');
INSERT INTO "sfn_events" VALUES(5,4,3,'LambdaFunctionStarted',1.79595413987599658968e+09,NULL,'');
INSERT INTO "sfn_events" VALUES(5,5,4,'LambdaFunctionFailed',1.79595413987632608414e+09,'{"error":"Lambda.ResourceNotFoundException","cause":"Function not found: arn:aws:lambda:us-east-1:111122223333:function:upgraded-none (Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: 163a4405-14bf-403e-88ba-387bfcbfbd67; Proxy: null)"}','');
INSERT INTO "sfn_events" VALUES(5,6,5,'LambdaFunctionScheduled',1.79595414087686252591e+09,'{"input":"{}","inputDetails":{"truncated":false},"resource":"arn:aws:lambda:us-east-1:111122223333:function:upgraded-none"}','');
INSERT INTO "sfn_events" VALUES(5,7,6,'LambdaFunctionStarted',1.79595414087689852719e+09,NULL,'');
INSERT INTO "sfn_events" VALUES(5,8,7,'LambdaFunctionFailed',1.79595414087714910509e+09,'{"error":"Lambda.ResourceNotFoundException","cause":"Function not found: arn:aws:lambda:us-east-1:111122223333:function:upgraded-none (Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: 02418432-76f0-49ec-b456-8c931176ee64; Proxy: null)"}','');
INSERT INTO "sfn_events" VALUES(5,9,8,'ExecutionFailed',1.79595414087721443174e+09,'{"error":"Lambda.ResourceNotFoundException","cause":"Function not found: arn:aws:lambda:us-east-1:111122223333:function:upgraded-none (Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: 02418432-76f0-49ec-b456-8c931176ee64; Proxy: null)"}','');
INSERT INTO "sfn_events" VALUES(5,10,9,'ExecutionRedriven',1.79595414094520449636e+09,'{"redriveCount":1}','');
INSERT INTO "sfn_events" VALUES(5,11,10,'LambdaFunctionScheduled',1.79595414094572281837e+09,'{"input":"{}","inputDetails":{"truncated":false},"resource":"arn:aws:lambda:us-east-1:111122223333:function:upgraded-none"}','');
INSERT INTO "sfn_events" VALUES(5,12,11,'LambdaFunctionStarted',1.79595414094575309754e+09,NULL,'');
INSERT INTO "sfn_events" VALUES(5,13,12,'LambdaFunctionFailed',1.79595414094595837595e+09,'{"error":"Lambda.ResourceNotFoundException","cause":"Function not found: arn:aws:lambda:us-east-1:111122223333:function:upgraded-none (Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: ed600a03-6cd7-46d0-ac4a-37fc3d3aa87b; Proxy: null)"}','');
INSERT INTO "sfn_events" VALUES(5,14,13,'LambdaFunctionScheduled',1.79595414194616723058e+09,'{"input":"{}","inputDetails":{"truncated":false},"resource":"arn:aws:lambda:us-east-1:111122223333:function:upgraded-none"}','');
INSERT INTO "sfn_events" VALUES(5,15,14,'LambdaFunctionStarted',1.79595414194619393353e+09,NULL,'');
INSERT INTO "sfn_events" VALUES(5,16,15,'LambdaFunctionFailed',1.79595414194653868675e+09,'{"error":"Lambda.ResourceNotFoundException","cause":"Function not found: arn:aws:lambda:us-east-1:111122223333:function:upgraded-none (Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: 850ac07f-4636-4e6c-8888-b337cdfe377a; Proxy: null)"}','');
INSERT INTO "sfn_events" VALUES(5,17,16,'ExecutionFailed',1.79595414194660878181e+09,'{"error":"Lambda.ResourceNotFoundException","cause":"Function not found: arn:aws:lambda:us-east-1:111122223333:function:upgraded-none (Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: 850ac07f-4636-4e6c-8888-b337cdfe377a; Proxy: null)"}','');
INSERT INTO "sfn_events" VALUES(6,1,0,'ExecutionStarted',1.79595414211132097239e+09,'{"input":"{}","inputDetails":{"truncated":false},"roleArn":"arn:aws:iam::111122223333:role/upgraded","stateMachineVersionArn":"arn:aws:states:us-east-1:111122223333:stateMachine:waiting:1","stateMachineAliasArn":"arn:aws:states:us-east-1:111122223333:stateMachine:waiting:live"}','');
INSERT INTO "sfn_events" VALUES(6,2,0,'TaskStateEntered',1.79595414211160206798e+09,'{"name":"Only","input":"{}","inputDetails":{"truncated":false}}','');
INSERT INTO "sfn_events" VALUES(6,3,2,'TaskScheduled',1.79595414211175751686e+09,'{"parameters":"{\"MessageBody\":{\"token\":\"AQCEAAAAKgAAAAMAAAAAUwVs-XeV6R953gZILOvpBEb9JV4aYOypaE93VporGv5zH0OkhxjjSHdjDkWqCqg6RAd6cl7R70bZPGgoTq0YI_IWHk6eYBRMT8SBt9aw-e0FWCaIs3PizZgU4wyISlmr\"},\"QueueUrl\":\"http://127.0.0.1:4566/111122223333/tokens\"}","region":"us-east-1","resource":"sendMessage.waitForTaskToken","resourceType":"sqs"}','');
INSERT INTO "sfn_events" VALUES(6,4,3,'TaskStarted',1.79595414211176872256e+09,'{"resource":"sendMessage.waitForTaskToken","resourceType":"sqs"}','');
INSERT INTO "sfn_events" VALUES(6,5,4,'TaskSubmitted',1.7959541421309020519e+09,'{"output":"{\"MD5OfMessageBody\":\"935c48d7af457f407eb0d5eb4dd9d26e\",\"MessageId\":\"c18e01b1-b72b-4427-8f81-de5494575108\",\"SdkHttpMetadata\":{\"AllHttpHeaders\":{\"x-amzn-RequestId\":[\"46d6d819-47d1-4474-9c85-52e0c85c4575\"],\"connection\":[\"keep-alive\"],\"Content-Length\":[\"106\"],\"Date\":[\"Sun, 29 Nov 2026 12:09:02 GMT\"],\"Content-Type\":[\"application/x-amz-json-1.0\"]},\"HttpHeaders\":{\"connection\":\"keep-alive\",\"Content-Length\":\"106\",\"Content-Type\":\"application/x-amz-json-1.0\",\"Date\":\"Sun, 29 Nov 2026 12:09:02 GMT\",\"x-amzn-RequestId\":\"46d6d819-47d1-4474-9c85-52e0c85c4575\"},\"HttpStatusCode\":200},\"SdkResponseMetadata\":{\"RequestId\":\"46d6d819-47d1-4474-9c85-52e0c85c4575\"}}","outputDetails":{"truncated":false},"resource":"sendMessage.waitForTaskToken","resourceType":"sqs"}','');
CREATE TABLE sfn_executions (
    id INTEGER PRIMARY KEY, arn TEXT NOT NULL UNIQUE, name TEXT NOT NULL, machine TEXT NOT NULL, version TEXT,
    revision TEXT NOT NULL, status TEXT NOT NULL, input TEXT NOT NULL, output TEXT, error TEXT, cause TEXT,
    trace TEXT, started REAL NOT NULL, stopped REAL, alias TEXT
);
INSERT INTO "sfn_executions" VALUES(1,'arn:aws:states:us-east-1:111122223333:execution:finished:one','one','arn:aws:states:us-east-1:111122223333:stateMachine:finished','arn:aws:states:us-east-1:111122223333:stateMachine:finished:1','83cae204-f9d7-4ee2-acf9-161b113c39ad','SUCCEEDED','{"a": 1}','{"echo":{"a":1}}',NULL,NULL,NULL,1.79595413942048168177e+09,1.79595413949201869962e+09,'arn:aws:states:us-east-1:111122223333:stateMachine:finished:live');
INSERT INTO "sfn_executions" VALUES(2,'arn:aws:states:us-east-1:111122223333:execution:mapped:one','one','arn:aws:states:us-east-1:111122223333:stateMachine:mapped','arn:aws:states:us-east-1:111122223333:stateMachine:mapped:1','2dd37dbe-3659-487b-9ec8-1babd88166df','SUCCEEDED','[1, 2]','[1,2]',NULL,NULL,NULL,1.79595413962906908988e+09,1.79595413966649198526e+09,'arn:aws:states:us-east-1:111122223333:stateMachine:mapped:live');
INSERT INTO "sfn_executions" VALUES(3,'arn:aws:states:us-east-1:111122223333:execution:mapped/5d6cf855-dddd-5860-8a75-fbe32b311231:4ef6c78f-bb35-4399-92f6-0289a2359622','4ef6c78f-bb35-4399-92f6-0289a2359622','arn:aws:states:us-east-1:111122223333:stateMachine:mapped/5d6cf855-dddd-5860-8a75-fbe32b311231',NULL,'2dd37dbe-3659-487b-9ec8-1babd88166df','SUCCEEDED','1','1',NULL,NULL,NULL,1.79595413965635013579e+09,1.79595413965692543979e+09,NULL);
INSERT INTO "sfn_executions" VALUES(4,'arn:aws:states:us-east-1:111122223333:execution:mapped/5d6cf855-dddd-5860-8a75-fbe32b311231:0b9fc4dd-e20d-40ea-8e99-e5b2665982e8','0b9fc4dd-e20d-40ea-8e99-e5b2665982e8','arn:aws:states:us-east-1:111122223333:stateMachine:mapped/5d6cf855-dddd-5860-8a75-fbe32b311231',NULL,'2dd37dbe-3659-487b-9ec8-1babd88166df','SUCCEEDED','2','2',NULL,NULL,NULL,1795954139.65657,1.79595413965704727172e+09,NULL);
INSERT INTO "sfn_executions" VALUES(5,'arn:aws:states:us-east-1:111122223333:execution:failed:one','one','arn:aws:states:us-east-1:111122223333:stateMachine:failed','arn:aws:states:us-east-1:111122223333:stateMachine:failed:1','c2b9ea35-676d-467a-b0cb-5a8d700e086a','FAILED','{}',NULL,'Lambda.ResourceNotFoundException','Function not found: arn:aws:lambda:us-east-1:111122223333:function:upgraded-none (Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: 850ac07f-4636-4e6c-8888-b337cdfe377a; Proxy: null)',NULL,1.79595413987555265421e+09,1.79595414194660878181e+09,'arn:aws:states:us-east-1:111122223333:stateMachine:failed:live');
INSERT INTO "sfn_executions" VALUES(6,'arn:aws:states:us-east-1:111122223333:execution:waiting:one','one','arn:aws:states:us-east-1:111122223333:stateMachine:waiting','arn:aws:states:us-east-1:111122223333:stateMachine:waiting:1','e9b2e8ea-17ab-439a-afa7-82f56c2e176d','RUNNING','{}',NULL,NULL,NULL,NULL,1.79595414211127638818e+09,NULL,'arn:aws:states:us-east-1:111122223333:stateMachine:waiting:live');
CREATE TABLE sfn_failed_attempts (
    execution INTEGER NOT NULL, entered INTEGER NOT NULL, last INTEGER NOT NULL, at REAL NOT NULL,
    error TEXT, cause TEXT, fatal INTEGER NOT NULL
);
INSERT INTO "sfn_failed_attempts" VALUES(5,2,5,1.79595413987635731697e+09,'Lambda.ResourceNotFoundException','Function not found: arn:aws:lambda:us-east-1:111122223333:function:upgraded-none (Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: 163a4405-14bf-403e-88ba-387bfcbfbd67; Proxy: null)',0);
INSERT INTO "sfn_failed_attempts" VALUES(5,2,8,1.79595414087717509272e+09,'Lambda.ResourceNotFoundException','Function not found: arn:aws:lambda:us-east-1:111122223333:function:upgraded-none (Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: 02418432-76f0-49ec-b456-8c931176ee64; Proxy: null)',0);
INSERT INTO "sfn_failed_attempts" VALUES(5,2,13,1.79595414094599246978e+09,'Lambda.ResourceNotFoundException','Function not found: arn:aws:lambda:us-east-1:111122223333:function:upgraded-none (Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: ed600a03-6cd7-46d0-ac4a-37fc3d3aa87b; Proxy: null)',0);
INSERT INTO "sfn_failed_attempts" VALUES(5,2,16,1.79595414194657039637e+09,'Lambda.ResourceNotFoundException','Function not found: arn:aws:lambda:us-east-1:111122223333:function:upgraded-none (Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: 850ac07f-4636-4e6c-8888-b337cdfe377a; Proxy: null)',0);
CREATE TABLE sfn_machines (
    arn TEXT PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL, created REAL NOT NULL,
    revision TEXT NOT NULL, versions INTEGER NOT NULL DEFAULT 0
);
INSERT INTO "sfn_machines" VALUES('arn:aws:states:us-east-1:111122223333:stateMachine:finished','finished','STANDARD',1.79595413939994311331e+09,'83cae204-f9d7-4ee2-acf9-161b113c39ad',1);
INSERT INTO "sfn_machines" VALUES('arn:aws:states:us-east-1:111122223333:stateMachine:mapped','mapped','STANDARD',1.79595413960680317872e+09,'2dd37dbe-3659-487b-9ec8-1babd88166df',1);
INSERT INTO "sfn_machines" VALUES('arn:aws:states:us-east-1:111122223333:stateMachine:failed','failed','STANDARD',1.79595413984360384937e+09,'c2b9ea35-676d-467a-b0cb-5a8d700e086a',1);
INSERT INTO "sfn_machines" VALUES('arn:aws:states:us-east-1:111122223333:stateMachine:waiting','waiting','STANDARD',1.79595414207772254944e+09,'e9b2e8ea-17ab-439a-afa7-82f56c2e176d',1);
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
INSERT INTO "sfn_map_runs" VALUES(1,'arn:aws:states:us-east-1:111122223333:mapRun:mapped/5d6cf855-dddd-5860-8a75-fbe32b311231:e1175902-e9de-4dc4-a318-521edf446c93','arn:aws:states:us-east-1:111122223333:execution:mapped:one','arn:aws:states:us-east-1:111122223333:stateMachine:mapped/5d6cf855-dddd-5860-8a75-fbe32b311231','SUCCEEDED',1.79595413962972235682e+09,1.79595413966626548762e+09,0,NULL,NULL,1,0,NULL);
CREATE TABLE sfn_redrives (
    execution INTEGER NOT NULL, number INTEGER NOT NULL, at REAL NOT NULL, token TEXT, PRIMARY KEY (execution, number)
);
INSERT INTO "sfn_redrives" VALUES(5,1,1.79595414094519090653e+09,'49a3c036-98a0-4b5e-a90c-fce706136922');
CREATE TABLE sfn_revisions (
    id TEXT PRIMARY KEY, machine TEXT NOT NULL, initial INTEGER NOT NULL, definition TEXT NOT NULL,
    role TEXT NOT NULL, logging TEXT NOT NULL, tracing TEXT NOT NULL, encryption TEXT, updated REAL NOT NULL
);
INSERT INTO "sfn_revisions" VALUES('83cae204-f9d7-4ee2-acf9-161b113c39ad','arn:aws:states:us-east-1:111122223333:stateMachine:finished',1,'{"StartAt": "Only", "States": {"Only": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:111122223333:function:upgraded", "End": true}}}','arn:aws:iam::111122223333:role/upgraded','{"includeExecutionData": false, "level": "OFF"}','{"enabled": false}',NULL,1.79595413939994311331e+09);
INSERT INTO "sfn_revisions" VALUES('2dd37dbe-3659-487b-9ec8-1babd88166df','arn:aws:states:us-east-1:111122223333:stateMachine:mapped',1,'{"StartAt": "Only", "States": {"Only": {"Type": "Map", "End": true, "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "StartAt": "Each", "States": {"Each": {"Type": "Pass", "End": true}}}}}}','arn:aws:iam::111122223333:role/upgraded','{"includeExecutionData": false, "level": "OFF"}','{"enabled": false}',NULL,1.79595413960680317872e+09);
INSERT INTO "sfn_revisions" VALUES('c2b9ea35-676d-467a-b0cb-5a8d700e086a','arn:aws:states:us-east-1:111122223333:stateMachine:failed',1,'{"StartAt": "Only", "States": {"Only": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:111122223333:function:upgraded-none", "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 1}], "End": true}}}','arn:aws:iam::111122223333:role/upgraded','{"includeExecutionData": false, "level": "OFF"}','{"enabled": false}',NULL,1.79595413984360384937e+09);
INSERT INTO "sfn_revisions" VALUES('e9b2e8ea-17ab-439a-afa7-82f56c2e176d','arn:aws:states:us-east-1:111122223333:stateMachine:waiting',1,'{"StartAt": "Only", "States": {"Only": {"Type": "Task", "End": true, "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "Parameters": {"MessageBody": {"token.$": "$$.Task.Token"}, "QueueUrl": "http://127.0.0.1:4566/111122223333/tokens"}}}}','arn:aws:iam::111122223333:role/upgraded','{"includeExecutionData": false, "level": "OFF"}','{"enabled": false}',NULL,1.79595414207772254944e+09);
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
INSERT INTO "sfn_tokens" VALUES('AQCEAAAAKgAAAAMAAAAAUwVs-XeV6R953gZILOvpBEb9JV4aYOypaE93VporGv5zH0OkhxjjSHdjDkWqCqg6RAd6cl7R70bZPGgoTq0YI_IWHk6eYBRMT8SBt9aw-e0FWCaIs3PizZgU4wyISlmr','arn:aws:states:us-east-1:111122223333:execution:waiting:one',3,NULL);
CREATE TABLE sfn_versions (
    arn TEXT PRIMARY KEY, machine TEXT NOT NULL, number INTEGER NOT NULL, revision TEXT NOT NULL,
    description TEXT, created REAL NOT NULL
);
INSERT INTO "sfn_versions" VALUES('arn:aws:states:us-east-1:111122223333:stateMachine:finished:1','arn:aws:states:us-east-1:111122223333:stateMachine:finished',1,'83cae204-f9d7-4ee2-acf9-161b113c39ad',NULL,1.79595413940506744383e+09);
INSERT INTO "sfn_versions" VALUES('arn:aws:states:us-east-1:111122223333:stateMachine:mapped:1','arn:aws:states:us-east-1:111122223333:stateMachine:mapped',1,'2dd37dbe-3659-487b-9ec8-1babd88166df',NULL,1.79595413961197566989e+09);
INSERT INTO "sfn_versions" VALUES('arn:aws:states:us-east-1:111122223333:stateMachine:failed:1','arn:aws:states:us-east-1:111122223333:stateMachine:failed',1,'c2b9ea35-676d-467a-b0cb-5a8d700e086a',NULL,1.79595413985104775424e+09);
INSERT INTO "sfn_versions" VALUES('arn:aws:states:us-east-1:111122223333:stateMachine:waiting:1','arn:aws:states:us-east-1:111122223333:stateMachine:waiting',1,'e9b2e8ea-17ab-439a-afa7-82f56c2e176d',NULL,1.79595414209134292609e+09);
CREATE TABLE sns_deduplications (
        topic TEXT NOT NULL REFERENCES sns_topics(arn) ON DELETE CASCADE, scope TEXT NOT NULL, id TEXT NOT NULL,
        message_id TEXT NOT NULL, number INTEGER NOT NULL, sent REAL NOT NULL, PRIMARY KEY (topic, scope, id)
    ) WITHOUT ROWID
;
INSERT INTO "sns_deduplications" VALUES('arn:aws:sns:us-east-1:111122223333:upgraded.fifo','','d','58ca78ef-853f-4165-8500-573911882035',1,1.79595413733068490031e+09);
CREATE TABLE sns_deliveries ( id INTEGER PRIMARY KEY AUTOINCREMENT, lane TEXT NOT NULL, payload TEXT NOT NULL);
CREATE TABLE sns_deliveries_payloads ( first INTEGER PRIMARY KEY, last INTEGER NOT NULL, payload TEXT NOT NULL);
CREATE TABLE sns_subscriptions (
        arn TEXT PRIMARY KEY, topic TEXT NOT NULL REFERENCES sns_topics(arn) ON DELETE CASCADE, protocol TEXT NOT NULL,
        endpoint TEXT NOT NULL, attributes TEXT NOT NULL, pending INTEGER NOT NULL, created REAL NOT NULL,
        UNIQUE (topic, protocol, endpoint)
    ) WITHOUT ROWID;
INSERT INTO "sns_subscriptions" VALUES('arn:aws:sns:us-east-1:111122223333:upgraded:7e8b23dc-d8cb-41fd-bf21-d7d7bf6cf31b','arn:aws:sns:us-east-1:111122223333:upgraded','sqs','arn:aws:sqs:us-east-1:111122223333:upgraded','{"RawMessageDelivery": "true", "FilterPolicy": "{\"kind\": [\"kept\"]}"}',0,1.79595413731390500067e+09);
CREATE TABLE sns_topics (
        arn TEXT PRIMARY KEY, attributes TEXT NOT NULL, tags TEXT NOT NULL, created REAL NOT NULL,
        deleted_subscriptions INTEGER NOT NULL DEFAULT 0, sequence INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID;
INSERT INTO "sns_topics" VALUES('arn:aws:sns:us-east-1:111122223333:upgraded','{}','{"team": "ml"}',1.79595413730734252931e+09,0,0);
INSERT INTO "sns_topics" VALUES('arn:aws:sns:us-east-1:111122223333:upgraded.fifo','{"FifoTopic": "true"}','{}',1.79595413732129430771e+09,0,1);
CREATE TABLE sqs_deduplications (
        queue INTEGER NOT NULL REFERENCES sqs_queues(id) ON DELETE CASCADE, scope TEXT NOT NULL, id TEXT NOT NULL,
        message_id TEXT NOT NULL, number INTEGER NOT NULL, sent INTEGER NOT NULL, PRIMARY KEY (queue, scope, id)
    ) WITHOUT ROWID;
INSERT INTO "sqs_deduplications" VALUES(4,'','0','8c7a434c-9c3e-4989-9083-32c72464417d',2,1795954137155);
INSERT INTO "sqs_deduplications" VALUES(4,'','1','f0bf90d6-3adb-41d0-9eea-125e2006cb81',3,1795954137163);
CREATE TABLE sqs_messages (
        id INTEGER PRIMARY KEY AUTOINCREMENT, queue INTEGER NOT NULL REFERENCES sqs_queues(id) ON DELETE CASCADE,
        fifo INTEGER NOT NULL, message_id TEXT NOT NULL, body TEXT NOT NULL, md5 TEXT NOT NULL,
        attributes TEXT NOT NULL, sender TEXT NOT NULL, trace TEXT, group_id TEXT, deduplication_id TEXT,
        source TEXT, sent INTEGER NOT NULL, visible INTEGER NOT NULL, receives INTEGER NOT NULL DEFAULT 0,
        carried INTEGER NOT NULL DEFAULT 0, received INTEGER, first_received INTEGER, receipt TEXT
    );
INSERT INTO "sqs_messages" VALUES(1,3,0,'12ff0f5d-6f26-413b-9043-d3472f07eb44','kept','4d8b6084f3d167b76cac66a22a91be02','{"a": {"StringValue": "b", "DataType": "String"}}','111122223333',NULL,NULL,NULL,NULL,1795954137145,1795954137145,0,0,NULL,NULL,NULL);
INSERT INTO "sqs_messages" VALUES(2,4,1,'8c7a434c-9c3e-4989-9083-32c72464417d','0','cfcd208495d565ef66e7dff9f98764da','{}','111122223333',NULL,'g','0',NULL,1795954137155,1795954137155,0,0,NULL,NULL,NULL);
INSERT INTO "sqs_messages" VALUES(3,4,1,'f0bf90d6-3adb-41d0-9eea-125e2006cb81','1','c4ca4238a0b923820dcc509a6f75849b','{}','111122223333',NULL,'g','1',NULL,1795954137163,1795954137163,0,0,NULL,NULL,NULL);
INSERT INTO "sqs_messages" VALUES(4,2,0,'dab5c313-7986-4969-93f3-751547aa8964','{"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2026-11-29T12:08:57.663Z", "Bucket": "upgraded", "RequestId": "83DE652C7A174A80", "HostId": "f660faa9848b4f99bdb4b376203d9b06"}','89c7e8e456bd23f6b89a129f4a5751c9','{}','111122223333',NULL,NULL,NULL,NULL,1795954137673,1795954137673,0,0,NULL,NULL,NULL);
INSERT INTO "sqs_messages" VALUES(5,5,0,'c18e01b1-b72b-4427-8f81-de5494575108','{"token":"AQCEAAAAKgAAAAMAAAAAUwVs-XeV6R953gZILOvpBEb9JV4aYOypaE93VporGv5zH0OkhxjjSHdjDkWqCqg6RAd6cl7R70bZPGgoTq0YI_IWHk6eYBRMT8SBt9aw-e0FWCaIs3PizZgU4wyISlmr"}','935c48d7af457f407eb0d5eb4dd9d26e','{}','111122223333',NULL,NULL,NULL,NULL,1795954142121,1795954142121,0,0,NULL,NULL,NULL);
CREATE TABLE sqs_move_tasks (
        id TEXT PRIMARY KEY, source TEXT NOT NULL, destination TEXT, status TEXT NOT NULL, rate INTEGER,
        started INTEGER NOT NULL, moved INTEGER NOT NULL DEFAULT 0, total INTEGER NOT NULL, reason TEXT
    ) WITHOUT ROWID;
INSERT INTO "sqs_move_tasks" VALUES('850c3786-8ca1-41ee-846d-416749866c2d','arn:aws:sqs:us-east-1:111122223333:dead',NULL,'COMPLETED',NULL,1795954137169,0,0,NULL);
CREATE TABLE sqs_queues (
        id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, attributes TEXT NOT NULL,
        tags TEXT NOT NULL DEFAULT '{}', created INTEGER NOT NULL, modified INTEGER NOT NULL
    );
INSERT INTO "sqs_queues" VALUES(1,'dead','{"VisibilityTimeout": "30", "MaximumMessageSize": "1048576", "MessageRetentionPeriod": "345600", "DelaySeconds": "0", "ReceiveMessageWaitTimeSeconds": "0", "SqsManagedSseEnabled": "true"}','{}',1795954137,1795954137);
INSERT INTO "sqs_queues" VALUES(2,'notified','{"VisibilityTimeout": "30", "MaximumMessageSize": "1048576", "MessageRetentionPeriod": "345600", "DelaySeconds": "0", "ReceiveMessageWaitTimeSeconds": "0", "SqsManagedSseEnabled": "true"}','{}',1795954137,1795954137);
INSERT INTO "sqs_queues" VALUES(3,'upgraded','{"VisibilityTimeout": "30", "MaximumMessageSize": "1048576", "MessageRetentionPeriod": "345600", "DelaySeconds": "0", "ReceiveMessageWaitTimeSeconds": "0", "SqsManagedSseEnabled": "true", "RedrivePolicy": "{\"deadLetterTargetArn\": \"arn:aws:sqs:us-east-1:111122223333:dead\", \"maxReceiveCount\": 5}"}','{"team": "ml"}',1795954137,1795954137);
INSERT INTO "sqs_queues" VALUES(4,'upgraded.fifo','{"VisibilityTimeout": "30", "MaximumMessageSize": "1048576", "MessageRetentionPeriod": "345600", "DelaySeconds": "0", "ReceiveMessageWaitTimeSeconds": "0", "SqsManagedSseEnabled": "true", "FifoQueue": "true", "ContentBasedDeduplication": "false", "DeduplicationScope": "queue", "FifoThroughputLimit": "perQueue"}','{}',1795954137,1795954137);
INSERT INTO "sqs_queues" VALUES(5,'tokens','{"VisibilityTimeout": "30", "MaximumMessageSize": "1048576", "MessageRetentionPeriod": "345600", "DelaySeconds": "0", "ReceiveMessageWaitTimeSeconds": "0", "SqsManagedSseEnabled": "true"}','{}',1795954138,1795954138);
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
CREATE INDEX sfn_executions_alias ON sfn_executions (alias, id) WHERE alias IS NOT NULL;
CREATE INDEX sfn_executions_alias_status ON sfn_executions (alias, status, id) WHERE alias IS NOT NULL
;
CREATE INDEX sfn_map_runs_execution ON sfn_map_runs (execution, id);
CREATE INDEX sfn_map_children_status ON sfn_map_children (map_run, status, number);
CREATE INDEX sfn_map_children_execution ON sfn_map_children (execution)
;
CREATE INDEX sfn_tokens_execution ON sfn_tokens (execution, scheduled)
;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('sqs_queues',5);
INSERT INTO "sqlite_sequence" VALUES('sqs_messages',5);
INSERT INTO "sqlite_sequence" VALUES('s3_notifications',1);
INSERT INTO "sqlite_sequence" VALUES('log_events',8);
COMMIT;
PRAGMA user_version = 4;
PRAGMA application_id = 1;
