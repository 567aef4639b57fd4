using System.Collections.Concurrent;
using Monge.Measures;

namespace Monge.Tests.Measures;

/// <summary>One instance of each target for all tests, so that searched bases are found once.</summary>
internal static class KnownTargets
{
    private static readonly ConcurrentDictionary<string, Lazy<Density>> s_made = [];

    public static Density Get(string name) => s_made.GetOrAdd(name, n => new Lazy<Density>(() => TargetLibrary.Get(n))).Value;
}
