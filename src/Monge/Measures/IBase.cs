using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.Measures;

/// <summary>A law that is sampled exactly and whose normalised density is known: where a transport starts.</summary>
public interface IBase
{
    /// <summary>Number of coordinates d.</summary>
    int Dimension { get; }

    /// <summary>The normalised log density.</summary>
    /// <param name="x">A position [d].</param>
    /// <returns>A scalar.</returns>
    Expr LogDensity(Expr x);

    /// <summary>Exact independent draws.</summary>
    /// <param name="samples">Number of samples n.</param>
    /// <param name="random">The stream they are drawn from.</param>
    /// <returns>Positions [n * d], row-major.</returns>
    double[] Sample(int samples, RandomStream random);

    /// <summary>The position that a traced sample of <see cref="Noise"/> gives.</summary>
    /// <param name="noise">Values [d] of the law <see cref="Noise"/>.</param>
    /// <returns>A position [d] distributed as this law.</returns>
    Expr FromNoise(Expr noise);

    /// <summary>The law of each element of the noise that <see cref="FromNoise"/> turns into a position.</summary>
    RandomLaw Noise { get; }
}
