// The function app on Flex Consumption, and its settings.

param name string
param planName string
param location string
param tags { *: string }
param pythonVersion string
param instanceMemoryMB int
param maximumInstanceCount int
param httpConcurrency int
param alwaysReadyInstances int
param identityName string
param hostBlobEndpoint string
param packageContainer string
param dataBlobEndpoint string
param dataContainer string
param hubsHost string
param hubsPartitions int
param interactionsHub string
param observationsHub string
param consumerGroup string
param maxEventBytes int
param longestRewardWaitHours int
param trainerSchedule string
param evaluatorSchedule string
param vaultName string
param signingKeyFromVault bool
param insightsName string

@description('Empty: API keys only.')
param entraClientId string

@description('Empty: none. The app answers browsers itself; CORS of the platform must stay off.')
param allowedOrigins string

@description('Empty: no virtual network.')
param vnetName string

param appSubnetName string
param settings { *: string }

var subnets = 'Microsoft.Network/virtualNetworks/subnets'
var signingKey = '@Microsoft.KeyVault(VaultName=${vaultName};SecretName=signing-key)'
var signing = signingKeyFromVault ? { SIGNING_KEY: signingKey } : {}

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: identityName
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
  }
}

resource site 'Microsoft.Web/sites@2025-03-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'api' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identity.id}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identity.id
    publicNetworkAccess: 'Enabled'
    virtualNetworkSubnetId: empty(vnetName) ? null : resourceId(subnets, vnetName, appSubnetName)
    siteConfig: {
      ftpsState: 'Disabled'
      http20Enabled: true
      minTlsVersion: '1.2'
    }
    functionAppConfig: {
      // Without it an update, which a changed setting is too, ends what is being executed and starts from no instance.
      // The property is newer than the types of this API version.
      #disable-next-line BCP037
      siteUpdateStrategy: {
        type: 'RollingUpdate'
      }
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${hostBlobEndpoint}${packageContainer}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identity.id
          }
        }
      }
      runtime: {
        name: 'python'
        version: pythonVersion
      }
      scaleAndConcurrency: {
        alwaysReady: alwaysReadyInstances == 0 ? [] : [{ name: 'http', instanceCount: alwaysReadyInstances }]
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        triggers: {
          http: {
            // Unset, Python gets 1: as many instances as there are requests at a time.
            perInstanceConcurrency: httpConcurrency
          }
        }
      }
    }
  }
}

resource appSettings 'Microsoft.Web/sites/config@2025-03-01' = {
  parent: site
  name: 'appsettings'
  // What follows wins over `settings`.
  properties: union(settings, signing, {
    AzureWebJobsStorage__blobServiceUri: hostBlobEndpoint
    AzureWebJobsStorage__credential: 'managedidentity'
    AzureWebJobsStorage__clientId: identity.properties.clientId
    APPLICATIONINSIGHTS_CONNECTION_STRING: insights.properties.ConnectionString
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.properties.clientId};Authorization=AAD'
    APP_KEYS: '@Microsoft.KeyVault(VaultName=${vaultName};SecretName=app-keys)'
    ADMIN_KEYS: '@Microsoft.KeyVault(VaultName=${vaultName};SecretName=admin-keys)'
    // Optional: a vault that was made before there were readers lacks the secret, and the app goes on without.
    READER_KEYS: '@Microsoft.KeyVault(VaultName=${vaultName};SecretName=reader-keys)'
    STORAGE_ACCOUNT_URL: dataBlobEndpoint
    STORAGE_CONTAINER: dataContainer
    EVENT_HUBS_NAMESPACE: hubsHost
    EVENT_HUBS_PARTITIONS: string(hubsPartitions)
    EVENT_HUBS_CONSUMER_GROUP: consumerGroup
    EVENT_HUBS_MAX_EVENT_BYTES: string(maxEventBytes)
    INTERACTIONS_HUB: interactionsHub
    OBSERVATIONS_HUB: observationsHub
    LONGEST_REWARD_WAIT_HOURS: string(longestRewardWaitHours)
    TRAINER_SCHEDULE: trainerSchedule
    EVALUATOR_SCHEDULE: evaluatorSchedule
    ENTRA_ROLES: empty(entraClientId) ? 'false' : 'true'
    ALLOWED_ORIGINS: allowedOrigins
    AZURE_CLIENT_ID: identity.properties.clientId
  })
}

// Packages are deployed with Entra tokens: no publishing passwords.
resource scmPasswords 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: site
  name: 'scm'
  properties: {
    allow: false
  }
}

resource ftpPasswords 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: site
  name: 'ftp'
  properties: {
    allow: false
  }
}

output endpoint string = 'https://${site.properties.defaultHostName}'
