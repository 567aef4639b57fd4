using System.Reflection.Emit;

namespace Monge.Engine.Lanes;

/// <summary>
/// A vector of numbers (or one number in scalar mode) held in a local variable of the emitted method; of several neighbouring vectors that
/// are computed side by side, one variable each.
/// </summary>
internal readonly record struct Lane(LocalBuilder[] Locals);

/// <summary>
/// The result of a lane comparison held in a local variable of the emitted method: a vector of all-ones or all-zeros
/// elements, or in scalar mode an integer 1 or 0.
/// </summary>
internal readonly record struct LaneMask(LocalBuilder[] Locals);
