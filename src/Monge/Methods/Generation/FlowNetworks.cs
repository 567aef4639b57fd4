using System.Collections.Concurrent;
using Monge.Engine.Programs;
using Monge.Paths;

namespace Monge.Methods;

/// <summary>Declares the parameters of networks, always the same ones in the same order, and makes the networks.</summary>
/// <param name="parameters">Where the parameters are declared.</param>
/// <param name="initializer">How they start; a network's value starts from zero, by a last layer of scale 0.</param>
/// <param name="options">The options of the fit, its sizes among them.</param>
public delegate NetworkFactory FlowNetwork(ParameterSet parameters, ParameterInitializer initializer, InterpolantOptions options);

/// <summary>The networks of a program's own that an <see cref="InterpolantFit"/> takes by name: any formula, or a field's <c>Apply</c>.</summary>
/// <remarks>
/// The model's file keeps the name and the options; it is read where the program has added the network again. Checkpoints, conditions, densities and all
/// commands are those of the method.
/// </remarks>
public static class FlowNetworks
{
    private static readonly ConcurrentDictionary<string, FlowNetwork> s_own = new(StringComparer.Ordinal);

    /// <summary>The names that were added.</summary>
    public static IReadOnlyList<string> Names => [.. s_own.Keys.Order(StringComparer.Ordinal)];

    /// <summary>Adds a network.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="network">What makes it.</param>
    /// <exception cref="ArgumentException">There is a network of that name.</exception>
    public static void Add(string name, FlowNetwork network)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(network);
        if (!s_own.TryAdd(name, network))
        {
            throw new ArgumentException($"There is a network '{name}' already; give yours another name.", nameof(name));
        }
    }

    /// <summary>The network of a name.</summary>
    /// <exception cref="ArgumentException">No program has added it.</exception>
    public static FlowNetwork Get(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return s_own.TryGetValue(name, out var network) ? network : throw new ArgumentException(
            $"There is no network '{name}' here; the program that fitted with it adds it by FlowNetworks.Add."
            + (s_own.IsEmpty ? "" : $" There are {string.Join(", ", Names)}."), nameof(name));
    }
}
