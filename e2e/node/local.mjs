// Local evaluation with posthog-node: polling, 304, an edit that takes effect.
import assert from 'node:assert/strict'
import { connect, expect, HOST, KEY, off, on, SECRET, until } from './client.mjs'

const id = 'distinct_id_7'
const definitions = '/flags/definitions'
const locally = { onlyEvaluateLocally: true }

// A project secret key reads definitions just as a personal key does.
const other = connect({ secretKey: SECRET, featureFlagsPollingInterval: 100 })
await other.client.waitForLocalEvaluationReady(10000)
await expect(other.client, 'with the secret key', 'everyone', id, locally, on(undefined, { steps: 2 }))
await other.close()

const { client, calls, seen, close } = connect({ personalApiKey: KEY, featureFlagsPollingInterval: 100 })
await client.waitForLocalEvaluationReady(10000)
await expect(client, 'boolean with payload', 'everyone', id, locally, on(undefined, { steps: 2 }))
await expect(client, 'variant with payload', 'multivariate-flag', id, locally, on('control', 'as before'))
await expect(client, 'property passed', 'pro-plan', id, { ...locally, personProperties: { plan: 'pro' } }, on(undefined, undefined))
await expect(client, 'before the edit', 'nobody', id, locally, off)
await until('polling answers 304', () => seen(definitions, 304) > 0)

const api = async (method, path, body) => {
  const response = await fetch(HOST + path, {
    method,
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
    body: body && JSON.stringify(body),
  })
  assert.equal(response.status, 200, `${method} ${path}`)
  return response.json()
}
const [flag] = (await api('GET', '/api/projects/@current/feature_flags/?key=nobody')).results
const fetched = seen(definitions, 200)
await api('PATCH', `/api/projects/1/feature_flags/${flag.id}/`, {
  filters: { groups: [{ properties: [], rollout_percentage: 100 }] },
})
await until('the edit is fetched', () => seen(definitions, 200) > fetched)
await until('the edit takes effect', async () =>
  (await client.getFeatureFlagResult('nobody', id, { ...locally, sendFeatureFlagEvents: false }))?.enabled === true)
assert.deepEqual([...new Set(calls.map((c) => c.path))], [definitions], 'nothing else was asked')
await close()
