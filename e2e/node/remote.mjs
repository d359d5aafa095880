// Identify, group identify, remote evaluation and remote configuration with
// posthog-node.
import assert from 'node:assert/strict'
import { connect, expect, off, on, KEY, SECRET } from './client.mjs'

const { client, seen, close } = connect()
const id = 'distinct_id_7'
const groups = { company: 'acme' }

client.identify({ distinctId: id, properties: { plan: 'pro' } })
client.groupIdentify({ groupType: 'company', groupKey: 'acme', properties: { seats: 250 } })
await client.flush()

await expect(client, 'boolean with payload', 'everyone', id, {}, on(undefined, { steps: 2 }))
await expect(client, 'off', 'nobody', id, {}, off)
await expect(client, 'variant with payload', 'multivariate-flag', id, {}, on('control', 'as before'))
await expect(client, 'stored property', 'pro-plan', id, {}, on(undefined, undefined))
await expect(client, 'unknown person', 'pro-plan', 'stranger', {}, off)
await expect(client, 'override beats stored', 'pro-plan', id, { personProperties: { plan: 'free' } }, off)
await expect(client, 'override', 'germany', id, { personProperties: { country: 'de' } }, on(undefined, undefined))
await expect(client, 'stored group property', 'big-company', id, { groups }, on(undefined, undefined))
await expect(client, 'group property override', 'big-company', id,
  { groups, groupProperties: { company: { seats: '3' } } }, off)
await expect(client, 'group flag without group', 'big-company', id, {}, off)

const all = await client.getAllFlags(id)
assert.equal(Object.keys(all).length, 7)
assert.equal(all['multivariate-flag'], 'control')
assert.equal(all['pro-plan'], true)

await client.getFeatureFlagResult('everyone', id) // with its $feature_flag_called event
await client.flush()
assert.ok(seen('/batch/', 200) >= 2, 'events were delivered')
await close()

for (const personalApiKey of [KEY, SECRET]) {
  const { client, seen, close } = connect({ personalApiKey, enableLocalEvaluation: false })
  assert.deepEqual(await client.getRemoteConfigPayload('limits'), { max: 5 })
  assert.equal(seen('/api/projects/@current/feature_flags/limits/remote_config', 200), 1)
  await close()
}
console.log('ok remote configuration')

// The SDK does not look at the status: what it rejects is the empty body.
const refused = connect({ personalApiKey: SECRET, enableLocalEvaluation: false })
await assert.rejects(refused.client.getRemoteConfigPayload('everyone'), 'no remote configuration')
await refused.client.shutdown()
console.log('ok no remote configuration')
