"""Container programs for AWS's framework images; they run users' own scripts for training and hosting.

Each framework's module is started with one argument, `train` or `serve`, as AWS starts its image. The programs follow
AWS's public toolkits (sagemaker-training 5.1, sagemaker-inference 1.10 and the frameworks' own) but do not use them:
sagemaker-training must be compiled on installation and depends on paramiko, gevent and SciPy, and the model servers
behind sagemaker-inference need Java.
"""
