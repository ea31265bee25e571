"""The managed identity of the deployment. Imported only where there is no connection string."""

from azure.identity.aio import ManagedIdentityCredential

from shared.settings import Settings


def credential(settings: Settings) -> ManagedIdentityCredential:
    """The user-assigned identity if AZURE_CLIENT_ID names one, else the system-assigned one."""
    return ManagedIdentityCredential(client_id=settings.azure_client_id or None)
