using Monge.Engine.LinearAlgebra;

namespace Monge.Methods;

/// <summary>
/// Neurons of one sign pattern on the training inputs, z.x_a above 0 or not for each a: on these inputs they are one rectified linear neuron.
/// </summary>
/// <param name="Vector">sum_h s_h z_h over them [d].</param>
/// <param name="SignedMass">sum_h s_h |z_h| over them.</param>
/// <param name="Members">Their number.</param>
public sealed record NeuronAtom(double[] Vector, double SignedMass, int Members)
{
    /// <summary>|sum_h s_h |z_h| |.</summary>
    public double Mass => Math.Abs(SignedMass);
}

/// <summary>
/// The atoms of a network of rectified linear neurons, as counted in arXiv:2206.12314: two neurons are the same if their signs on the inputs are.
/// </summary>
public static class NeuronAtoms
{
    /// <summary>The atoms, the heaviest first.</summary>
    /// <param name="network">The network.</param>
    /// <param name="inputs">Training inputs [n, d], row-major.</param>
    /// <param name="exponent">g of the network's scale m^-g; 0 for outputs that are the masses themselves.</param>
    /// <param name="least">Atoms with no more than this share of the whole mass are left out; 0 keeps all that have any.</param>
    /// <exception cref="ArgumentException">The inputs have other coordinates than the neurons.</exception>
    public static IReadOnlyList<NeuronAtom> Of(NeuronEnsemble network, ReadOnlySpan<double> inputs, double exponent = 0, double least = 0)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentOutOfRangeException.ThrowIfNegative(least);
        var (d, masses, groups) = (network.Dimension, network.Masses(exponent), new Dictionary<string, (double[] Vector, double Mass, int Members)>());
        if (inputs.Length % d != 0)
        {
            throw new ArgumentException($"{inputs.Length} numbers are no inputs of neurons of {d} coordinates.", nameof(inputs));
        }

        var pattern = new char[inputs.Length / d];
        for (var h = 0; h < network.Count; h++)
        {
            var neuron = network.Features.AsSpan(h * d, d);
            for (var a = 0; a < pattern.Length; a++)
            {
                pattern[a] = HostVectors.Dot(neuron, inputs.Slice(a * d, d)) > 0 ? '+' : '-';
            }

            var key = new string(pattern);
            var (vector, mass, members) = groups.TryGetValue(key, out var group) ? group : (new double[d], 0.0, 0);
            HostVectors.AddScaled(masses[h], neuron, vector);
            groups[key] = (vector, mass + (masses[h] * Math.Sqrt(HostVectors.Dot(neuron, neuron))), members + 1);
        }

        var whole = groups.Values.Sum(group => Math.Abs(group.Mass));
        return
        [
            .. groups.Values.Where(group => Math.Abs(group.Mass) > least * whole).Select(group => new NeuronAtom(group.Vector, group.Mass, group.Members))
                .OrderByDescending(atom => atom.Mass),
        ];
    }

    /// <summary>One neuron of length 1 for each atom. Where the masses of an atom have one sign, the network is the same on the inputs.</summary>
    /// <param name="atoms">Atoms, at least one.</param>
    /// <returns>The neurons, whose outputs are their masses.</returns>
    public static NeuronEnsemble Merge(IReadOnlyList<NeuronAtom> atoms)
    {
        ArgumentNullException.ThrowIfNull(atoms);
        ArgumentOutOfRangeException.ThrowIfZero(atoms.Count, nameof(atoms));
        double[] lengths = [.. atoms.Select(atom => Math.Sqrt(HostVectors.Dot(atom.Vector, atom.Vector)) * Math.Sign(atom.SignedMass))];
        return new NeuronEnsemble(lengths, [.. atoms.SelectMany((atom, k) => atom.Vector.Select(v => v / lengths[k]))], atoms[0].Vector.Length);
    }
}
