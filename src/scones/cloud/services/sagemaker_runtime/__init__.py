"""SageMaker Runtime, which invokes the endpoints of SageMaker."""
