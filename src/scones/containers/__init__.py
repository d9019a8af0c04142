"""Programs that stand behind AWS's framework images: they run people's own scripts, for training and for hosting.

Each framework's module is started with one argument, `train` or `serve`, as AWS starts its image. They follow AWS's
public toolkits (sagemaker-training 5.1, sagemaker-inference 1.10 and the frameworks' own), which are not used
themselves: sagemaker-training is compiled on installation and brings paramiko, gevent and SciPy along, and the model
servers behind sagemaker-inference need Java.
"""
