// A virtual network, and in it a private endpoint for each service that the app uses.

type endpoint = {
  name: string
  serviceName: string
  service: 'blob' | 'namespace' | 'vault'
}

param vnetName string
param appSubnetName string
param location string
param tags { *: string }
param endpoints endpoint[]

var serviceTypes = {
  blob: 'Microsoft.Storage/storageAccounts'
  namespace: 'Microsoft.EventHub/namespaces'
  vault: 'Microsoft.KeyVault/vaults'
}
var zoneNames = {
  blob: 'privatelink.blob.${environment().suffixes.storage}'
  namespace: 'privatelink.servicebus.windows.net'
  vault: 'privatelink.vaultcore.azure.net'
}
var services = [
  'blob'
  'namespace'
  'vault'
]

resource vnet 'Microsoft.Network/virtualNetworks@2025-05-01' = {
  name: vnetName
  location: location
  tags: tags
  properties: {
    addressSpace: {
      addressPrefixes: [
        '10.0.0.0/16'
      ]
    }
    subnets: [
      {
        name: 'private-endpoints'
        properties: {
          addressPrefix: '10.0.1.0/24'
        }
      }
      {
        name: appSubnetName
        properties: {
          addressPrefix: '10.0.2.0/24'
          delegations: [
            {
              name: 'functions'
              properties: {
                serviceName: 'Microsoft.App/environments'
              }
            }
          ]
        }
      }
    ]
  }
}

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for service in services: {
    name: zoneNames[service]
    location: 'global'
    tags: tags
  }
]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (service, i) in services: {
    parent: zones[i]
    name: '${vnetName}-${service}'
    location: 'global'
    tags: tags
    properties: {
      registrationEnabled: false
      virtualNetwork: {
        id: vnet.id
      }
    }
  }
]

resource privateEndpoints 'Microsoft.Network/privateEndpoints@2025-05-01' = [
  for target in endpoints: {
    name: 'pe-${target.name}'
    location: location
    tags: tags
    properties: {
      subnet: {
        id: vnet.properties.subnets[0].id
      }
      privateLinkServiceConnections: [
        {
          name: target.name
          properties: {
            privateLinkServiceId: resourceId(serviceTypes[target.service], target.serviceName)
            groupIds: [
              target.service
            ]
          }
        }
      ]
    }
  }
]

resource zoneGroups 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2025-05-01' = [
  for (target, i) in endpoints: {
    parent: privateEndpoints[i]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        {
          name: target.service
          properties: {
            privateDnsZoneId: zones[indexOf(services, target.service)].id
          }
        }
      ]
    }
  }
]
